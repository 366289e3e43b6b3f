// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The time of day, for the tokens of probe jobs.
enum WallClock {
    /// Seconds since 1970-01-01T00:00:00Z.
    static func seconds() -> Int { time(nil) }
}
