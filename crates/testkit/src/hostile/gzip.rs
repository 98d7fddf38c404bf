//! What is small on the wire and large in memory?

/// A megabyte of gzip (RFC 1952) that unpacks to 160 megabytes of zeros, and has no end.
pub(super) fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // Not the last block, Huffman codes as the standard fixes them (RFC 1951), one literal zero;
    // then "the last byte, 258 times more" without end.
    let begin = "010".chars().chain("00110000".chars());
    let more = "1100010100000".chars().cycle();
    let bits: Vec<bool> = begin.chain(more).take(15 * 8).map(|bit| bit == '1').collect();
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    let deflated: Vec<u8> = bits.chunks(8).map(byte).collect();
    // Thirteen bits are the same again after thirteen bytes.
    let (begin, more) = deflated.split_at(2);
    bytes.extend(begin);
    bytes.extend(more.repeat((1 << 20) / more.len()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_on_the_wire() {
        let bomb = bomb();
        assert!((1_000_000..1_100_000).contains(&bomb.len()));
        assert_eq!(&bomb[10..25], b"\x62\x18\x05\xa3\x60\x14\x8c\x82\x51\x30\x0a\x46\xc1\x28\x18");
    }
}
