// SPDX-License-Identifier: Apache-2.0

/// What is put around a program that runs over ssh, so that its status and its outputs are known from those of ssh, sudo
/// and the login shell: ssh says 255 for its own failures and for death by a signal.
struct OpenSSHFrame: Sendable {
    /// Why there is no completion, with what was said on standard error.
    struct Lost: Error, Equatable {
        var opened: Bool
        var said: String
    }

    /// The most bytes that the frame and those before it add to an output.
    static let room = 4096

    let mark: NodeSweep

    /// Both outputs begin with the mark, and standard error ends with it and the status as bash(1) says it. No single
    /// quote, newline or exclamation mark, see `ShellLoop`.
    private static let program =
        "printf \"\\036sally-%s-ready 0\\n\" \"$\(NodeSweep.variable)\";"
        + " printf \"\\036sally-%s-ready 0\\n\" \"$\(NodeSweep.variable)\" >&2; \"$@\"; SALLY_STATUS=$?;"
        + " printf \"\\036sally-%s-exit %s\\n\" \"$\(NodeSweep.variable)\" $SALLY_STATUS >&2; exit $SALLY_STATUS"

    /// sshd gives hardly any environment, and sudo one of its own.
    var environment: [String] {
        ["/usr/bin/env", mark.assignment, "PATH=\(CleanEnvironment.path)", "LANG=C.UTF-8"]
    }

    /// The words that run `invocation` on the node.
    func words(_ invocation: Invocation) -> [String] {
        environment + ["/bin/bash", "-c", OpenSSHFrame.program, "sally"] + NodeSweep.timeout(invocation.deadline)
            + invocation.arguments
    }

    /// What the program itself wrote and how it ended.
    func open(_ completion: Completion) -> Result<Completion, Lost> {
        var output = MarkedStream(ShellMark(mark.mark))
        var error = output
        output.append(completion.standardOutput)
        error.append(completion.standardError)
        guard output.next() != nil, error.next() != nil else {
            return .failure(Lost(opened: false, said: completion.errorOutput))
        }
        guard let end = error.next() else {
            return .failure(Lost(opened: true, said: String(decoding: error.bytes, as: UTF8.self)))
        }
        return .success(
            Completion(
                status: end.status, standardOutput: output.bytes, standardError: end.before + error.bytes))
    }
}
