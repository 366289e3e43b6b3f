// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyClusters
import SallyConfig
import SallyModel
import SallyTransport
import StrictJSON

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a command has around it: environment, program, user, terminal.
struct Surroundings: Sendable {
    let environment: [String: String]
    let resources: Resources
    private let isRoot: Bool
    /// Whether what is told is read on a terminal.
    let isTerminal: Bool
    /// In place of the host's.
    private let ownPodman: PodmanEnvironment?
    /// Writes to a file descriptor of ours.
    private let output: @Sendable (_ text: String, _ descriptor: Int32) -> Void

    init(
        environment: [String: String], resources: Resources, isRoot: Bool, isTerminal: Bool,
        podman: PodmanEnvironment? = nil,
        output: @escaping @Sendable (_ text: String, _ descriptor: Int32) -> Void = { write($0, to: $1) }
    ) {
        self.environment = environment
        self.resources = resources
        self.isRoot = isRoot
        self.isTerminal = isTerminal
        ownPodman = podman
        self.output = output
    }

    static func own() throws -> Surroundings {
        let environment = ProcessInfo.processInfo.environment
        return Surroundings(
            environment: environment, resources: Resources(environment: environment, executable: try executablePath()),
            isRoot: geteuid() == 0, isTerminal: isatty(STDERR_FILENO) == 1)
    }

    func clusters() throws -> Clusters {
        Clusters(
            store: try store(), podman: try podman(), images: try resources.folder(.images), progress: progress,
            who: userName)
    }

    func store() throws -> ClusterStore { try ClusterStore.located(environment: environment, isRoot: isRoot) }

    /// What finds clusters of every provider.
    ///
    /// - Parameters:
    ///   - file: the file of clusters, where one was named.
    ///   - files: whether the keys that it names are looked at.
    func finder(_ file: String?, files: FileChecks = .check) throws -> ClusterFinder {
        ClusterFinder(
            store: try store(), environment: environment, podman: { try podman() },
            inventory: { try inventory(file, files: files) })
    }

    /// Templates and plugins that the administrator wrote down.
    func settings(_ file: String?) throws -> ClusterSettings {
        try location(file).load(environment: environment)
    }

    private func location(_ file: String?) throws -> SettingsLocation {
        try SettingsLocation.find(
            option: file, environment: environment, isRoot: isRoot, workingFolder: try workingFolder())
    }

    private func workingFolder() throws -> String {
        guard let path = getcwd(nil, 0) else { throw SallyError(.misconfigured, "there is no working folder") }
        defer { free(path) }
        return String(cString: path)
    }

    /// Who runs this, for those who wait meanwhile.
    var userName: String {
        let name = ["SUDO_USER", "LOGNAME", "USER"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "somebody"
        var host = [CChar](repeating: 0, count: 256)
        guard gethostname(&host, host.count - 1) == 0 else { return name }
        let bytes = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "\(name)@\(String(decoding: bytes, as: UTF8.self))"
    }

    /// Asks on the terminal, without showing what is typed; twice, because nobody sees it.
    ///
    /// - Throws: `SallyError(.invalidRequest)` where there is no terminal, or the two differ.
    func passphrase(_ question: String) throws -> Secret<String> {
        var texts: [String] = []
        for question in [question, "once more: "] {
            var buffer = [CChar](repeating: 0, count: 1024)
            guard readpassphrase(question, &buffer) else {
                throw SallyError(
                    .invalidRequest, "there is no terminal to type a passphrase at",
                    hint: "run it at a terminal, or encrypt for public keys")
            }
            texts.append(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        guard texts[0] == texts[1] else { throw SallyError(.invalidRequest, "the two passphrases differ") }
        return Secret(texts[0])
    }

    /// One line of the terminal, not of standard input, with echo off while it is typed.
    private func readpassphrase(_ question: String, _ buffer: inout [CChar]) -> Bool {
        let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else { return false }
        defer { close(terminal) }
        var shown = termios()
        guard tcgetattr(terminal, &shown) == 0 else { return false }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(terminal, TCSAFLUSH, &hidden) == 0 else { return false }
        defer { _ = tcsetattr(terminal, TCSAFLUSH, &shown) }
        write(question, to: terminal)
        let count = read(terminal, &buffer, buffer.count - 1)
        write("\n", to: terminal)
        guard count > 0 else { return false }
        buffer[buffer[..<count].firstIndex(of: 0x0a) ?? count] = 0
        return true
    }

    /// The clusters whose machines exist already.
    func inventory(_ file: String?, files: FileChecks) throws -> Inventory {
        let location = try location(file)
        return try location.machines(of: location.load(environment: environment), files: files)
    }

    /// Machines that are not ours are neither started nor ended. A file that cannot be read, or has the name of a local
    /// cluster, keeps nobody from doing that to local ones.
    func refuseListed(_ name: ClusterName, _ file: String?, verb: String) throws {
        if try store().all().contains(where: { $0.name == name }) { return }
        guard let listed = try? inventory(file, files: .skip) else { return }  // see above
        try listed.refuse(name, verb: verb)
    }

    private func podman() throws -> PodmanEnvironment {
        if let ownPodman { return ownPodman }
        do {
            return try PodmanEnvironment.detect(environment: environment)
        } catch let error as PodmanEnvironmentError {
            throw SallyError(
                .misconfigured, "settings for podman: \(error)", hint: "set CONTAINERS_CONF to a file of your own")
        }
    }

    var progress: Progress {
        Progress { line in
            switch line {
            case .step(let text): tell(isTerminal ? ">>> \(text)" : text)
            case .detail(let text): tell("    \(text)")
            }
        }
    }

    func now() -> Timestamp { Timestamp(Int64(time(nil))) }

    /// Data, on standard output.
    func print(_ text: String) { output(text + "\n", STDOUT_FILENO) }
    func printPart(_ text: String) { output(text, STDOUT_FILENO) }
    func print(_ json: JSONValue) { print(json.text(.indented)) }

    /// Talk, on standard error. What machines and users wrote may be in it: nothing of it acts on the terminal.
    func tell(_ text: String) { output(Surroundings.harmless(text) + "\n", STDERR_FILENO) }

    /// Without control characters but line ends.
    static func harmless(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control && scalar != "\n"
            result.append(isControl ? "?" : scalar)
        }
        return String(result)
    }

    /// Talk that is a part of a line.
    func tellPart(_ text: String) { output(text, STDERR_FILENO) }

    private static func executablePath() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw SallyError(.misconfigured, "/proc/self/exe cannot be read") }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Writes what can be written: a closed terminal is no reason to stop.
func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
