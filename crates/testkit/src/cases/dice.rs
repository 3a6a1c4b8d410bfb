//! Reproducible chance.

/// xorshift64*: small, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        (value % sides.max(1) as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    /// `count` digits, the first not zero.
    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|at| char::from(b'0' + if at == 0 { 1 + self.roll(9) } else { self.roll(10) } as u8)).collect()
    }

    /// `count` letters and digits.
    pub fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[self.roll(36)])).collect()
    }

    /// `count` octets.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll(256) as u8).collect()
    }
}
