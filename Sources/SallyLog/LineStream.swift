// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A descriptor that takes whole lines, each with its time before it. Threads do not wait for each other: a line is one write(2) of no
/// more than PIPE_BUF bytes, which a pipe keeps together, as a file does that is appended to (pipe(7), open(2) O_APPEND). Where a
/// reader takes nothing, lines are lost, and counted.
package final class LineStream: Sendable {
    package static let standardError = LineStream(STDERR_FILENO)

    /// Bytes of a line, PIPE_BUF of Linux; what is beyond is cut off.
    static let longest = 4096
    /// Milliseconds that a reader that takes nothing is waited for, once; then lines are lost, and the daemon goes on.
    private static let patience: Int32 = 1000

    /// The time in text, made once a second.
    private struct Stamp {
        var second = Timestamp(-1)
        var text: [UInt8] = []
    }

    private let descriptor: Int32
    private let stamp = Mutex(Stamp())
    /// Lines since the last one that was taken.
    private let lost = Atomic(0)

    /// - Precondition: `descriptor` stays open.
    package init(_ descriptor: Int32) { self.descriptor = descriptor }

    func write(_ body: (inout LogLine) -> Void) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Timestamp(Int64(time.tv_sec))
        var line = LogLine(
            beginning: stamp.withLock { stamp in
                if stamp.second != now { stamp = Stamp(second: now, text: Array(now.description.utf8)) }
                return stamp.text
            })
        body(&line)
        line.finish(within: LineStream.longest)
        let isStuck = lost.load(ordering: .relaxed) > 0
        if isStuck { tellLost(now) }
        if !send(line.bytes, within: isStuck ? 0 : LineStream.patience) { lost.add(1, ordering: .relaxed) }
    }

    private func tellLost(_ now: Timestamp) {
        let count = lost.exchange(0, ordering: .relaxed)
        // What a lost line has left begins no other.
        guard count > 0, !send(Array("\n\(now) warning log: \(count) lines were lost\n".utf8), within: 0) else {
            return
        }
        lost.add(count, ordering: .relaxed)
    }

    /// Asks before it writes: a descriptor that blocks would hold the daemon up.
    /// - Returns: whether all of it was taken.
    private func send(_ bytes: [UInt8], within patience: Int32) -> Bool {
        #if canImport(Glibc)
        let write = Glibc.write
        #else
        let write = Darwin.write
        #endif
        return bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                let ready = poll(&wanted, 1, patience)
                if ready < 0, errno == EINTR { continue }
                guard ready > 0, Int32(wanted.revents) & POLLOUT != 0 else { return false }
                let count = write(descriptor, bytes.baseAddress! + sent, bytes.count - sent)  // not empty
                if count >= 0 {
                    sent += count
                } else if errno != EINTR, errno != EAGAIN {
                    return false
                }
            }
            return true
        }
    }
}
