// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel

/// A terminal of a program of ours, with lines that it finds typed: for programs that take a passphrase from nowhere else
/// (age opens /dev/tty). So it stands on no command line and in no environment, and no other user can read it.
final class PassphraseTerminal: Sendable {
    /// Our end, and its own, which we hold so that what is typed waits until it is opened.
    private let (ours, theirs): (Int32, Int32)
    private let name: String

    /// - Parameter lines: each is a line of input. Together less than 4 KiB, what a terminal holds (termios(3)); without
    ///   control characters.
    /// - Throws: `SallyError(.unavailable)` when the system has no terminal to give.
    init(lines: [Secret<String>]) throws {
        // As posix_openpt(3), unlockpt(3) and ptsname(3) do it, which glibc's module does not have: pts(4), ioctl_tty(2).
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard master >= 0 else { throw PassphraseTerminal.failure() }
        var unlocked: CInt = 0
        var number: CInt = -1
        guard ioctl(master, PassphraseTerminal.setLock, &unlocked) == 0,
            ioctl(master, PassphraseTerminal.getNumber, &number) == 0
        else {
            close(master)
            throw PassphraseTerminal.failure()
        }
        name = "/dev/pts/\(number)"
        let slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard slave >= 0 else {
            close(master)
            throw PassphraseTerminal.failure()
        }
        (ours, theirs) = (master, slave)
        var settings = termios()
        guard tcgetattr(slave, &settings) == 0 else { throw PassphraseTerminal.failure() }
        // Nothing is shown of what is typed.
        settings.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK | ECHONL)
        guard tcsetattr(slave, TCSANOW, &settings) == 0 else { throw PassphraseTerminal.failure() }
        let bytes: [UInt8] = lines.flatMap { Array($0.reveal().utf8) + [0x0a] }
        guard bytes.count < 4096, bytes.withUnsafeBytes({ write(master, $0.baseAddress, $0.count) }) == bytes.count
        else {
            throw PassphraseTerminal.failure()
        }
    }

    deinit {
        close(ours)
        close(theirs)
    }

    /// `words` as a command that has this as its terminal. It must be started as the leader of a session, as `ProgramCall`
    /// does: the first terminal that such a process opens becomes its own (tty_ioctl(4), credentials(7)).
    func command(_ words: [String]) -> [String] {
        ["sh", "-c", #"exec 9<>"$0" || exit 126; exec "$@""#, name] + words
    }

    /// TIOCSPTLCK and TIOCGPTN of asm-generic/ioctls.h, which are expressions in C.
    private static let (setLock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)

    private static func failure() -> SallyError {
        SallyError(
            .unavailable, "no terminal could be made for age: \(String(cString: strerror(errno)))",
            hint: "is /dev/pts mounted?")
    }
}
