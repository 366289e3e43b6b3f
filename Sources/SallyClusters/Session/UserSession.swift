// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What root runs on a node to become a user there, so that no administrator's key has to be in a user's files.
///
/// Pure. The user's environment is that of a login (HOME, USER, LOGNAME, SHELL, PATH, TERM; the folder is home) and
/// nothing of root's; groups are the user's own; no process of root's stays in between. PAM is not asked, as
/// setpriv(1) does not ask it.
package struct UserSession: Sendable, Equatable {
    package enum Program: Sendable, Equatable {
        /// The user's login shell.
        case shell
        /// A line that the user's login shell takes apart.
        case line(String)
        /// A program and its arguments, each as it is, run by the user's login shell.
        case command([String])
        /// A script of ours for bash(1), without a login shell.
        case script(String, arguments: [String])
    }

    package var user: LoginName
    package var node: NodeName
    package var program: Program

    package init(user: LoginName, node: NodeName, program: Program) {
        self.user = user
        self.node = node
        self.program = program
    }

    /// The exit status where there is no such user, as `SallyError.Code.notFound` has it.
    static let noSuchUser: Int32 = 4

    /// The words to run on the node as root.
    package var arguments: [String] {
        ["/bin/bash", "-c", UserSession.becoming, "sally", UserSession.entering, user.rawValue, node.rawValue] + words
    }

    /// The kind of program and what it needs, for `entering`.
    private var words: [String] {
        switch program {
        case .shell: ["shell"]
        case .line(let line): ["line", line]
        case .command(let words): ["line", UserSession.line(words)]
        case .script(let text, let arguments): ["script", UserSession.encoded(text)] + arguments
        }
    }

    // No single quote, newline, backslash or exclamation mark in either text, so that ssh's single-quoted words are read
    // alike by every login shell of whoever signs in.

    /// As root: looks the user up and becomes the user, with an environment made for it alone.
    static let becoming = [
        "enter=$1 user=$2 node=$3; shift 3;",
        "entry=$(getent passwd \"$user\"); IFS=: read -r name _ uid gid _ home shell <<<\"$entry\";",
        "[ \"$name\" = \"$user\" ] ||",
        "{ echo \"user $user does not exist on $node\" >&2; exit \(noSuchUser); };",
        "path=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games;",
        "[ \"$uid\" = 0 ] && path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;",
        "cd /; umask 022;",
        "exec /usr/bin/env -i \"HOME=${home:-/}\" \"USER=$user\" \"LOGNAME=$user\" \"SHELL=${shell:-/bin/sh}\"",
        "\"PATH=$path\" LANG=C.UTF-8 \"TERM=${TERM:-dumb}\" ${SALLY_CALL:+\"SALLY_CALL=$SALLY_CALL\"}",
        "${SSH_AUTH_SOCK:+\"SSH_AUTH_SOCK=$SSH_AUTH_SOCK\"} ${DISPLAY:+\"DISPLAY=$DISPLAY\"}",
        "${XAUTHORITY:+\"XAUTHORITY=$XAUTHORITY\"}",
        "setpriv --reuid \"$uid\" --regid \"$gid\" --init-groups --",
        "/bin/bash -c \"$enter\" sally \"$@\"",
    ].joined(separator: " ")

    /// As the user: goes home, which root may not be able to, and becomes what was asked for.
    static let entering = [
        "cd 2>/dev/null || echo \"the home folder $HOME cannot be entered\" >&2;",
        "kind=$1; shift;",
        "case $kind in",
        "shell) exec -l \"$SHELL\";;",
        "line) exec -l \"$SHELL\" -c \"$1\";;",
        "script) exec /bin/bash -c \"$(printf %s \"$1\" | base64 -d)\" sally \"${@:2}\";;",
        "esac",
    ].joined(separator: " ")

    /// One line that a shell takes apart into exactly `words`.
    ///
    /// Every word is in single quotes. Shells do not agree about a quote, a newline, a backslash and an exclamation mark
    /// in them (csh(1), fish(1)): a line with one of those is a call of bash(1) that decodes the words.
    static func line(_ words: [String]) -> String {
        guard words.contains(where: { $0.contains { "'\n\\!".contains($0) } }) else {
            return words.map { "'\($0)'" }.joined(separator: " ")
        }
        let encoded = words.map { word in word.utf8.map { hexadecimal($0) }.joined() }
        // bash's printf understands \xHH; the backslash is what its %q puts before a blank.
        let decoding =
            "printf -v b %q \" \"; b=${b:0:1}; w=(); for h; do o=;"
            + " while [ -n \"$h\" ]; do o=$o${b}x${h:0:2}; h=${h:2}; done;"
            + " printf -v v %b \"$o.\"; w+=(\"${v%.}\"); done; exec \"${w[@]}\""
        return "exec /bin/bash -c '\(decoding)' sally " + encoded.map { "'\($0)'" }.joined(separator: " ")
    }

    /// RFC 4648 section 4, for base64(1): a script of ours has every character that shells disagree about.
    private static func encoded(_ text: String) -> String {
        let body = Base64URL.encode(Array(text.utf8)).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return String(body) + String(repeating: "=", count: (4 - body.count % 4) % 4)
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return text.count == 1 ? "0\(text)" : text
    }
}
