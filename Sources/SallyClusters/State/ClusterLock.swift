// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Keeps two programs from changing one cluster at once (flock(2)). Ends with the process, however that ends.
///
/// The file says who holds it, for whoever is refused meanwhile.
struct ClusterLock {
    private let descriptor: Int32
    private let path: String

    /// - Parameters:
    ///   - act: what it is held for, such as `start`.
    ///   - who: on whose behalf.
    /// - Throws: `SallyError(.conflict)` when another program has it.
    init(_ name: ClusterName, in store: ClusterStore, for act: String, by who: String) throws {
        try Disk.makePath(store.root)
        path = "\(store.root)/.\(name).lock"
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else {
                throw SallyError(
                    .misconfigured, "\(path) cannot be opened: \(String(cString: strerror(errno)))",
                    hint: "SALLYPORT_STATE must be a folder that you may write to")
            }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let holder = ClusterLock.text(descriptor)
                close(descriptor)
                throw SallyError(
                    .conflict,
                    "cluster \(name) is being changed by another program\(holder.isEmpty ? "" : ": \(holder)")",
                    hint: "wait for it and try again")
            }
            // The holder before us may have removed the file between our open and our lock: then it locks nothing.
            var opened = stat()
            var present = stat()
            if fstat(descriptor, &opened) == 0, stat(path, &present) == 0, opened.st_ino == present.st_ino {
                self.descriptor = descriptor
                ClusterLock.put("\(act) of \(who), process \(getpid())", into: descriptor)
                return
            }
            close(descriptor)
        }
    }

    /// Who holds it only helps: that it cannot be written or read keeps nobody from the lock.
    private static func put(_ text: String, into descriptor: Int32) {
        let bytes = Array(text.utf8.prefix(200))
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    private static func text(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let printable = buffer.prefix(max(0, count)).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: printable, as: UTF8.self)
    }

    /// Ends it. Once.
    func release() {
        unlink(path)
        close(descriptor)
    }
}
