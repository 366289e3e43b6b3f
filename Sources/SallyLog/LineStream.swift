// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A descriptor that takes whole lines, each with its time before it. Threads do not wait for each other: a line is one write(2) of no
/// more than PIPE_BUF bytes, which a pipe keeps together, as a file does that is appended to (pipe(7), open(2) O_APPEND).
package final class LineStream: Sendable {
    package static let standardError = LineStream(STDERR_FILENO)

    /// Bytes of a line, PIPE_BUF of Linux; what is beyond is cut off.
    static let longest = 4096
    /// Milliseconds that a full pipe is waited for; then the line is lost, and the daemon goes on.
    private static let patience: Int32 = 1000

    /// The time in text, made once a second.
    private struct Stamp {
        var second = Timestamp(-1)
        var text: [UInt8] = []
    }

    private let descriptor: Int32
    private let stamp = Mutex(Stamp())

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
        line.bytes.withUnsafeBytes(send)
    }

    private func send(_ bytes: UnsafeRawBufferPointer) {
        #if canImport(Glibc)
        let write = Glibc.write
        #else
        let write = Darwin.write
        #endif
        while write(descriptor, bytes.baseAddress, bytes.count) < 0 {
            if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&wanted, 1, LineStream.patience) > 0 else { return }
            } else if errno != EINTR {
                return
            }
        }
    }
}
