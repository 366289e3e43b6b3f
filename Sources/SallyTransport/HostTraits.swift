// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What of this host decides how containers can be run on it.
struct HostTraits: Equatable {
    enum ControlGroups: Equatable { case unified, legacy }
    enum Limits: Equatable {
        /// Limits may be raised: CAP_SYS_RESOURCE.
        case raisable
        /// Up to so many open files.
        case fixed(files: UInt64)
    }

    var controlGroups: ControlGroups
    var limits: Limits
    /// Where runc is, if it is installed.
    var runc: String?

    /// The containers.conf(5) that podman needs here, nil when its defaults will do.
    var configuration: String? {
        var sections: [String] = []
        if case .fixed(let files) = limits {
            let hard = min(files, 4096)
            sections.append(
                """
                [containers]
                default_ulimits = ["nofile=\(min(hard, 1024)):\(hard)", "nproc=1024:4096"]
                """)
        }
        if controlGroups == .legacy, let runc {
            sections.append(
                """
                [engine]
                runtime = "runc"
                [engine.runtimes]
                runc = ["\(runc)"]
                """)
        }
        return sections.isEmpty ? nil : sections.joined(separator: "\n") + "\n"
    }

    static func observed() -> HostTraits {
        var limit = rlimit()
        let files: UInt64 =
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? UInt64(limit.rlim_max) : 1024
        return HostTraits(
            controlGroups: access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? .unified : .legacy,
            limits: mayRaiseLimits(contents(of: "/proc/self/status")) ? .raisable : .fixed(files: files),
            runc: ["/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc"].first { access($0, X_OK) == 0 })
    }

    /// Whether CAP_SYS_RESOURCE (24, capabilities(7)) is effective, after the text of proc(5) `status`.
    static func mayRaiseLimits(_ status: String) -> Bool {
        let prefix = "CapEff:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }),
            let mask = UInt64(line.dropFirst(prefix.count).filter { $0 != " " && $0 != "\t" }, radix: 16)
        else { return false }
        return mask & (1 << 24) != 0
    }

    private static func contents(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
