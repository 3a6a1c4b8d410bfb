//! RSA with short keys, which the suites use and no library signs or verifies with any more. For tests only.

/// Numbers as little-endian limbs of 32 bits.
type Limbs = Vec<u32>;

pub(in crate::auth) struct ShortRsa {
    modulus: Limbs,
    exponent: Limbs,
    octets: usize,
}

/// RFC 8017 §9.2 note 1.
const SHA256_INFO: [u8; 19] = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
const SHA1_INFO: [u8; 15] = [0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14];

impl ShortRsa {
    fn new(modulus: &[u8], exponent: &[u8]) -> ShortRsa {
        let modulus = read(modulus);
        let octets = modulus.len() * 4;
        ShortRsa { modulus, exponent: read(exponent), octets }
    }

    /// The private key of a PKCS#1 file.
    pub(in crate::auth) fn private(der: &[u8]) -> ShortRsa {
        let numbers = integers(der);
        ShortRsa::new(numbers[1], numbers[3])
    }

    /// A public key, bare or in SubjectPublicKeyInfo.
    pub(in crate::auth) fn public(der: &[u8]) -> ShortRsa {
        let numbers = integers(der);
        ShortRsa::new(numbers[0], numbers[1])
    }

    pub(in crate::auth) fn sign(&self, sha256: &[u8]) -> Vec<u8> {
        write(&self.power(&read(&self.padded(&SHA256_INFO, sha256))), self.octets)
    }

    /// `digest` is 20 or 32 octets.
    pub(in crate::auth) fn verifies(&self, digest: &[u8], signature: &[u8]) -> bool {
        let info: &[u8] = if digest.len() == 20 { &SHA1_INFO } else { &SHA256_INFO };
        let base = read(signature);
        compare(&base, &self.modulus).is_lt() && write(&self.power(&base), self.octets) == self.padded(info, digest)
    }

    fn padded(&self, info: &[u8], digest: &[u8]) -> Vec<u8> {
        let mut out = vec![0xff; self.octets - info.len() - digest.len() - 1];
        out[..2].copy_from_slice(&[0, 1]);
        [&out[..], &[0], info, digest].concat()
    }

    fn power(&self, base: &Limbs) -> Limbs {
        let width = self.modulus.len();
        let (one, squared) = (self.shifted_one(32 * width), self.shifted_one(64 * width));
        let base = self.montgomery(base, &squared);
        let mut result = one;
        for limb in self.exponent.iter().rev() {
            for bit in (0..32).rev() {
                result = self.montgomery(&result, &result);
                if limb >> bit & 1 == 1 {
                    result = self.montgomery(&result, &base);
                }
            }
        }
        self.montgomery(&result, &vec![1])
    }

    /// `2^bits mod modulus`.
    fn shifted_one(&self, bits: usize) -> Limbs {
        let mut rest = vec![0u32; self.modulus.len() + 1];
        rest[0] = 1;
        for _ in 0..bits {
            let mut carry = 0;
            for limb in &mut rest {
                (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
            }
            if compare(&rest, &self.modulus).is_ge() {
                subtract(&mut rest, &self.modulus);
            }
        }
        trim(rest)
    }

    /// Montgomery's product: `a * b / 2^(32 width) mod modulus`.
    fn montgomery(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let width = self.modulus.len();
        // Newton's iteration doubles the correct bits of the inverse of the lowest limb.
        let lowest = self.modulus[0];
        let inverse = (0..5).fold(1u32, |x, _| x.wrapping_mul(2u32.wrapping_sub(lowest.wrapping_mul(x)))).wrapping_neg();
        let mut sum = vec![0u32; width + 2];
        for place in 0..width {
            add_product(&mut sum, b, a.get(place).copied().unwrap_or(0));
            let factor = sum[0].wrapping_mul(inverse);
            add_product(&mut sum, &self.modulus, factor);
            sum.remove(0);
            sum.push(0);
        }
        if compare(&sum, &self.modulus).is_ge() {
            subtract(&mut sum, &self.modulus);
        }
        trim(sum)
    }
}

fn add_product(sum: &mut [u32], limbs: &[u32], factor: u32) {
    let mut carry = 0u64;
    for (place, limb) in sum.iter_mut().enumerate() {
        let product = u64::from(limbs.get(place).copied().unwrap_or(0)) * u64::from(factor);
        let total = product + u64::from(*limb) + carry;
        (*limb, carry) = (total as u32, total >> 32);
    }
}

fn read(octets: &[u8]) -> Limbs {
    let limbs = octets.rchunks(4).map(|chunk| chunk.iter().fold(0, |limb, octet| limb << 8 | u32::from(*octet)));
    trim(limbs.collect())
}

fn write(limbs: &Limbs, octets: usize) -> Vec<u8> {
    let mut out: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    out.resize(octets, 0);
    out.reverse();
    out
}

fn trim(mut limbs: Limbs) -> Limbs {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    limbs
}

fn compare(a: &[u32], b: &[u32]) -> std::cmp::Ordering {
    let at = |limbs: &[u32], place: usize| limbs.get(place).copied().unwrap_or(0);
    let places = a.len().max(b.len());
    (0..places).rev().map(|place| at(a, place).cmp(&at(b, place))).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

fn subtract(from: &mut [u32], what: &[u32]) {
    let mut borrow = 0i64;
    for (place, limb) in from.iter_mut().enumerate() {
        let difference = i64::from(*limb) - i64::from(what.get(place).copied().unwrap_or(0)) - borrow;
        borrow = i64::from(difference < 0);
        *limb = difference as u32;
    }
}

/// All INTEGERs of a DER value, also inside sequences and bit strings.
fn integers(mut der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while der.len() >= 2 {
        let (length, head) = match der[1] {
            0x81 => (usize::from(der[2]), 3),
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            short => (usize::from(short), 2),
        };
        let inside = &der[head..head + length];
        match der[0] {
            0x02 => found.push(inside),
            0x30 => found.extend(integers(inside)),
            0x03 => found.extend(integers(&inside[1..])),
            _ => {}
        }
        der = &der[head + length..];
    }
    found
}
