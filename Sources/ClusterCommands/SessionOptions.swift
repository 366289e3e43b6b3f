// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import SallyTransport

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What `sshmaster` and `sshnode` have in common.
struct SessionOptions: ParsableArguments {
    @Option(name: [.customShort("u"), .customLong("user")], help: "Become this user on the node.")
    var user = "root"

    @Flag(name: [.customShort("X"), .customLong("forward-x11")], help: "Let programs on the node use this display.")
    var forwardX11 = false

    @Flag(name: [.customShort("A"), .customLong("forward-agent")], help: "Let root on the node use your SSH agent.")
    var forwardAgent = false

    @Flag(name: [.customShort("t"), .customLong("pseudo-tty")], help: "Give a command a terminal.")
    var pseudoTerminal = false

    @OptionGroup var file: ClusterFileOption

    /// Runs what `words` say on the machine that `choose` finds, and ends the program with the status that comes back.
    ///
    /// - Parameter words: nothing for a shell; one line for the user's shell; or a program and its arguments.
    func run(
        _ words: [String], in cluster: String, on choose: (ClusterMachines) throws -> ClusterMachine
    ) async throws {
        let surroundings = try Surroundings.own()
        let user = try LoginName(user)
        let machines = try await surroundings.finder(file.config).find(cluster)
        let machine = try choose(machines)
        let program = SessionOptions.program(words)
        let terminal = SessionOptions.terminal(program, isForced: pseudoTerminal) { isatty($0) == 1 }
        var forwarding: Set<Attachment.Forwarding> = []
        if forwardX11 { forwarding.insert(.x11) }
        if forwardAgent { forwarding.insert(.agent) }
        try machines.requireForwarding(forwarding, to: user)
        try SessionOptions.requireEnds(forwarding, surroundings.environment)
        let wanted = forwarding
        let status = try await Interruption.cancelling {
            try await machines.session(program, as: user, on: machine, terminal: terminal, forwarding: wanted)
        }
        if status != 0 { throw ExitCode(status) }
    }

    /// One word is a line for the user's shell, as ssh(1) takes it; several are a program and its arguments, which
    /// arrive as they are.
    static func program(_ words: [String]) -> UserSession.Program {
        let words = words.first == "--" ? Array(words.dropFirst()) : words
        switch words.count {
        case 0: return .shell
        case 1: return .line(words[0])
        default: return .command(words)
        }
    }

    /// A shell has a terminal where we have one to type at; a command where its output is not for a program, whose bytes
    /// a terminal would change.
    static func terminal(
        _ program: UserSession.Program, isForced: Bool, isTerminal: (Int32) -> Bool
    ) -> Attachment.Terminal {
        switch program {
        case .shell: isForced || isTerminal(STDIN_FILENO) ? .allocated : .none
        case .line, .command, .script:
            isForced || (isTerminal(STDIN_FILENO) && isTerminal(STDOUT_FILENO)) ? .allocated : .none
        }
    }

    private static func requireEnds(
        _ forwarding: Set<Attachment.Forwarding>, _ environment: [String: String]
    ) throws {
        if forwarding.contains(.x11), environment["DISPLAY"] ?? "" == "" {
            throw SallyError(.invalidRequest, "there is no display to forward", hint: "DISPLAY is not set")
        }
        if forwarding.contains(.agent), environment["SSH_AUTH_SOCK"] ?? "" == "" {
            throw SallyError(.invalidRequest, "there is no agent to forward", hint: "SSH_AUTH_SOCK is not set")
        }
    }

    /// What stands where a name is wanted and looks like an option: a cry for help, or one that is not known here.
    ///
    /// All that follows the options is the command's and comes here unread (`captureForPassthrough`).
    static func refuseOption(_ word: String?, of command: any ParsableCommand.Type) throws {
        guard let word, word.hasPrefix("-") else { return }
        if ["-h", "--help", "-help"].contains(word) { throw CleanExit.helpRequest(command) }
        throw ValidationError("Unknown option '\(word)'")
    }
}
