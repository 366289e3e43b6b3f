// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the program says when it is interrupted (SIGINT, SIGTERM) while something is open. It ends by the signal all the same.
enum InterruptNote {
    /// - Parameter text: a line or several; nil when nothing is open any more.
    static func set(_ text: String?) {
        guard let text else { return note.store(0, ordering: .releasing) }
        // Stays for as long as the program runs: the handler may read it at any moment.
        guard let copy = strdup("\n\(text)\n") else { return }
        note.store(UInt(bitPattern: copy), ordering: .releasing)
        for number in [SIGINT, SIGTERM] {
            // Only what signal-safety(7) permits: strlen, write, signal, raise.
            signal(number) { number in
                if let text = UnsafePointer<CChar>(bitPattern: note.load(ordering: .acquiring)) {
                    _ = write(2, text, strlen(text))
                }
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}

/// The address of the text, 0 for none. Atomic, because a handler may run on any thread.
private let note = Atomic<UInt>(0)
