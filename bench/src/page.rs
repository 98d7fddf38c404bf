//! How is a number shown?

/// A number with as many digits as say something.
pub(crate) fn figure(number: f64) -> String {
    match number.abs() {
        it if !it.is_finite() => "?".to_owned(),
        it if it >= 1_000.0 => thousands(number),
        it if it >= 100.0 || it.fract() == 0.0 => format!("{number:.0}"),
        it if it >= 10.0 => format!("{number:.1}"),
        it if it >= 0.1 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut shown = String::new();
    for (at, digit) in digits.char_indices() {
        let left = digits.len() - at;
        if left % 3 == 0 && at > 0 && digits.as_bytes()[at - 1].is_ascii_digit() {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_as_many_digits_as_say_something() {
        for (number, expected) in [
            (0.0, "0"),
            (0.012_34, "0.012"),
            (0.123_4, "0.12"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234.5, "1,234"),
            (-1_234.5, "-1,234"),
            (1_234_567.0, "1,234,567"),
            (f64::NAN, "?"),
        ] {
            assert_eq!(figure(number), expected);
        }
    }
}
