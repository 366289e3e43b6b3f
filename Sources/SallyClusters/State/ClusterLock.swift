// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Keeps two programs from starting or terminating one cluster at once (flock(2)). Ends with the process, however that
/// ends.
struct ClusterLock {
    private let descriptor: Int32
    private let path: String

    /// - Throws: `SallyError(.conflict)` when another program has it.
    init(_ name: ClusterName, in store: ClusterStore) throws {
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
                close(descriptor)
                throw SallyError(
                    .conflict, "cluster \(name) is being started or terminated by another program",
                    hint: "wait for it and try again")
            }
            // The holder before us may have removed the file between our open and our lock: then it locks nothing.
            var opened = stat()
            var present = stat()
            if fstat(descriptor, &opened) == 0, stat(path, &present) == 0, opened.st_ino == present.st_ino {
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    /// Ends it. Once.
    func release() {
        unlink(path)
        close(descriptor)
    }
}
