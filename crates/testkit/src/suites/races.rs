//! Several callers at once.

use hooks::ports::{PortError, PortResult};

/// Runs these at the same time; answers what each of them got, in their order.
pub(super) async fn run<T: Send + 'static>(
    racers: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = racers.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for racer in running {
        results.push(racer.await.expect("a racer does not panic"));
    }
    results
}

/// Which of them won, where exactly one did and all others were too late.
pub(super) fn only_winner(results: &[PortResult<()>]) -> usize {
    let winners: Vec<_> = (0..results.len()).filter(|&it| results[it].is_ok()).collect();
    assert_eq!(winners.len(), 1, "exactly one wins: {results:?}");
    let is_late = |it: &PortResult<()>| matches!(it, Ok(()) | Err(PortError::Conflict));
    assert!(results.iter().all(is_late), "the others are told of the conflict: {results:?}");
    winners[0]
}

/// Did somebody else come first?
pub(super) fn is_conflict<T>(result: &PortResult<T>) -> bool {
    matches!(result, Err(PortError::Conflict))
}
