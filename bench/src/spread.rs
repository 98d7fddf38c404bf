//! What is said of a number that was measured several times.

/// The least, the median and the most.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Spread {
    /// The least.
    pub(crate) least: f64,
    /// As many are below as above.
    pub(crate) median: f64,
    /// The most.
    pub(crate) most: f64,
}

impl Spread {
    /// Of these, of which there is at least one.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let Some((least, most)) = numbers.first().zip(numbers.last()) else {
            return Self { least: f64::NAN, median: f64::NAN, most: f64::NAN };
        };
        let middle = numbers.len() / 2;
        let median = match numbers.len() % 2 {
            1 => numbers[middle],
            _ => f64::midpoint(numbers[middle - 1], numbers[middle]),
        };
        Self { least: *least, median, most: *most }
    }
}

/// What is above so much of these: `quantile(times, 0.99)` is their 99th percentile.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index of a list, between its ends"
)]
pub(crate) fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().saturating_sub(1);
    numbers.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_has_as_many_below_as_above() {
        for (name, numbers, least, median, most) in [
            ("one", &[3.0][..], 3.0, 3.0, 3.0),
            ("two", &[4.0, 2.0], 2.0, 3.0, 4.0),
            ("three, one of them far away", &[100.0, 1.0, 2.0], 1.0, 2.0, 100.0),
        ] {
            let spread = Spread::of(numbers.iter().copied());
            assert_eq!(spread, Spread { least, median, most }, "{name}");
        }
    }

    #[test]
    fn a_quantile_is_one_of_the_numbers() {
        let mut numbers: Vec<_> = (1..=1_000).rev().map(f64::from).collect();
        let found =
            [0.0, 0.5, 0.99, 0.999, 1.0].map(|share| quantile(&mut numbers, share).to_string());
        assert_eq!(found, ["1", "501", "990", "999", "1000"]);
    }
}
