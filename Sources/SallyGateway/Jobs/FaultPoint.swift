// SPDX-License-Identifier: Apache-2.0

#if DEBUG
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
#endif

/// The steps of a submission after which a test may have this process die, as if it were killed there. Only in debug builds: a
/// release build has none of it.
enum FaultPoint: String, CaseIterable {
    /// The reservation is on the disk.
    case reserved
    /// The account is there.
    case prepared
    /// The token is minted, and nothing was sent.
    case minted
    /// Slurm has answered.
    case answered
    /// The caller was told, and nothing is written down.
    case told
    /// The outcome is on the disk.
    case recorded

    #if DEBUG
    /// From SALLYPORT_FAULT.
    private static let chosen = getenv("SALLYPORT_FAULT").flatMap { FaultPoint(rawValue: String(cString: $0)) }

    func reached() {
        if FaultPoint.chosen == self { kill(getpid(), SIGKILL) }
    }
    #else
    @inline(__always) func reached() {}
    #endif
}
