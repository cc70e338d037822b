//! Numbers for a person.

/// Some of the numbers, in ranges: `1 to 3, 5, 7 to 9 and 4 more`.
pub fn ranges(numbers: &[u32]) -> String {
    const MOST: usize = 10;
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut left_out = 0;
    for &number in numbers {
        let many = ranges.len() == MOST;
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => {
                *last = number;
            }
            _ if many => left_out += 1,
            _ => ranges.push((number, number)),
        }
    }
    let mut words: Vec<String> = Vec::new();
    for (first, last) in ranges {
        words.push(match last - first {
            0 => format!("{first}"),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        });
    }
    let mut text = words.join(", ");
    if left_out > 0 {
        text += &format!(" and {left_out} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_in_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[7]), "7");
        assert_eq!(ranges(&[1, 2, 4, 6, 7, 8]), "1, 2, 4, 6 to 8");
        let even: Vec<u32> = (1..=12).map(|half| half * 2).collect();
        let first = "2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 2 more";
        assert_eq!(ranges(&even), first);
    }
}
