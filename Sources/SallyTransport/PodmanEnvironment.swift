// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How podman is called on this host, the same for everything of ours that calls it.
///
/// Two kinds of hosts need settings of their own, given through a file that `CONTAINERS_CONF` names, so that the host's
/// configuration stays untouched (containers.conf(5)):
/// - cgroups v1, also in hybrid mode: crun refuses, runc works;
/// - no CAP_SYS_RESOURCE: podman's default ulimits cannot be raised to, so they are lowered.
///
/// Where the caller set `CONTAINERS_CONF`, that is used as it is.
package struct PodmanEnvironment: Sendable, Equatable {
    /// The program, as a name to be found in `PATH`.
    package let program: String
    /// The whole environment of every call.
    package let variables: [String: String]

    package init(program: String = "podman", variables: [String: String]) {
        self.program = program
        self.variables = variables
    }

    /// Looks at this host and writes the file where one is needed.
    ///
    /// - Parameter environment: our own.
    /// - Throws: `PodmanEnvironmentError` when the file is needed and cannot be written.
    package static func detect(environment: [String: String]) throws -> PodmanEnvironment {
        var variables = CleanEnvironment.make(from: environment)
        if variables["CONTAINERS_CONF"] == nil, let text = HostTraits.observed().configuration {
            variables["CONTAINERS_CONF"] = try write(text, environment: environment)
        }
        return PodmanEnvironment(variables: variables)
    }

    /// `podman ARGUMENTS`.
    package func call(
        _ arguments: [String], standardInput: [UInt8] = [], deadline: Duration, outputLimit: Int = 1 << 20
    ) -> ProgramCall {
        ProgramCall(
            program: program, arguments: arguments, environment: variables, standardInput: standardInput,
            deadline: deadline, outputLimit: outputLimit)
    }

    /// Puts the file into a folder of our own: /run/sallyport for root, else below XDG_RUNTIME_DIR or the temporary
    /// folder. A folder that somebody else owns is not used.
    private static func write(_ text: String, environment: [String: String]) throws -> String {
        let user = geteuid()
        let folder =
            user == 0
            ? "/run/sallyport"
            : environment["XDG_RUNTIME_DIR"].map { "\($0)/sallyport" } ?? "/tmp/sallyport-\(user)"
        mkdir(folder, user == 0 ? 0o755 : 0o700)
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == user,
            status.st_mode & 0o022 == 0
        else { throw PodmanEnvironmentError(path: folder, number: errno) }
        return try place(text, in: folder)
    }

    /// Writes `containers.conf` in one step, whoever else does at the same time.
    static func place(_ text: String, in folder: String) throws -> String {
        let path = "\(folder)/containers.conf"
        let draft = "\(path).\(getpid()).\(UInt64.random(in: .min ... .max))"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw PodmanEnvironmentError(path: draft, number: errno) }
        let bytes = Array(text.utf8)
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        guard count == bytes.count, rename(draft, path) == 0 else {
            let number = errno
            unlink(draft)
            throw PodmanEnvironmentError(path: path, number: number)
        }
        return path
    }
}

/// The settings that podman needs on this host could not be written.
package struct PodmanEnvironmentError: Error, Sendable, CustomStringConvertible {
    package let path: String
    package let number: Int32
    package var description: String { "\(path) cannot be used: \(String(cString: strerror(number)))" }
}
