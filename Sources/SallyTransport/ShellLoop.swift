// SPDX-License-Identifier: Apache-2.0

/// The program that keeps one shell on a node for a conversation, and how it is spoken to.
///
/// The first line on its standard input is the conversation's mark: not an argument, so that a user of the node, who
/// sees the arguments of root's processes, cannot write into some file of his what would pass for an end. Then comes,
/// for each script, a line with its number of bytes, the bytes, and a line with the mark: a script of which a part is
/// missing is not run. Both streams answer `sally-MARK-ready 0` once, `sally-MARK-end STATUS` after each script and
/// `sally-MARK-exit STATUS` when the shell ended, each behind a record separator (ASCII 30) and with a newline; what lies between is the script's own, whether it ends with a newline
/// or not. The words are put together by printf, so that `set -x` or `set` in a script does not print them.
///
/// bash(1) reads its own script byte by byte from a pipe, so the scripts are read by head(1) and evaluated. They run in a
/// subshell, which may end as it likes: `exit`, `exec`, `set -e`. Standard input of a script is /dev/null; descriptors
/// 3 to 9 are free for its locks. At the end what is left in the session is killed; a daemon that made a session of its
/// own stays. That is only done for a call of a transport, which carries `NodeSweep.variable` and has a session of its
/// own: started by hand, the loop would kill those who started it.
enum ShellLoop {
    /// The words to run on the node, as root.
    static let arguments = ["/bin/bash", "-c", program, "sally"]

    /// No single quote, newline or exclamation mark, so that it is one single-quoted word for sh, bash, csh and fish.
    static let program = [
        "IFS= read -r SALLY_MARK || exit 125;",
        "sally_say() { printf \"\\036sally-%s-%s %s\\n\" \"$SALLY_MARK\" \"$1\" \"$2\";",
        "printf \"\\036sally-%s-%s %s\\n\" \"$SALLY_MARK\" \"$1\" \"$2\" >&2; };",
        "sally_say ready 0;",
        "( while IFS= read -r SALLY_COUNT; do",
        "SALLY_SCRIPT=$(/usr/bin/head -c \"$SALLY_COUNT\");",
        "IFS= read -r SALLY_END; [ \"$SALLY_END\" = \"$SALLY_MARK\" ] || exit 125;",
        "eval \"$SALLY_SCRIPT\" </dev/null;",
        "sally_say end $?;",
        "done );",
        "SALLY_STATUS=$?; sally_say exit $SALLY_STATUS;",
        "[ -n \"$\(NodeSweep.variable)\" ] || exit $SALLY_STATUS;",
        "read -r SALLY_LINE </proc/$$/stat; set -- ${SALLY_LINE##*) }; SALLY_SESSION=$4;",
        "for SALLY_FILE in /proc/[0-9]*; do",
        "SALLY_PROCESS=${SALLY_FILE#/proc/};",
        "case \" $$ $PPID \" in *\" $SALLY_PROCESS \"*) continue;; esac;",
        "read -r SALLY_LINE <$SALLY_FILE/stat || continue;",
        // Finding the fields behind a name takes bash three times as long as all else here.
        "case $SALLY_LINE in *\" $SALLY_SESSION \"*) ;; *) continue;; esac;",
        "set -- ${SALLY_LINE##*) };",
        "[ \"$4\" = \"$SALLY_SESSION\" ] && kill -KILL $SALLY_PROCESS;",
        "done 2>/dev/null;",
        "exit $SALLY_STATUS",
    ].joined(separator: " ")

    /// What opens the conversation.
    static func opening(_ mark: ShellMark) -> [UInt8] { Array("\(mark.text)\n".utf8) }

    /// What has `script` run.
    static func request(_ script: String, _ mark: ShellMark) -> [UInt8] {
        Array("\(script.utf8.count)\n\(script)\(mark.text)\n".utf8)
    }
}

/// What the ends of a conversation's outputs are known by: 128 random bits.
struct ShellMark: Sendable, Equatable {
    let text: String

    init(_ text: String) { self.text = text }

    static func random() -> ShellMark {
        ShellMark("\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))")
    }
}
