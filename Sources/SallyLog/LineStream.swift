// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A descriptor that takes whole lines, each with its time before it.
package final class LineStream: Sendable {
    package static let standardError = LineStream(STDERR_FILENO)

    /// Milliseconds that a full pipe is waited for; then the line is lost, and the daemon goes on.
    private static let patience: Int32 = 1000

    private struct State {
        var line = LogLine()
        /// The time in text, made once a second.
        var second = Timestamp(-1)
        var stamp: [UInt8] = []
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    /// - Precondition: `descriptor` stays open.
    package init(_ descriptor: Int32) { self.descriptor = descriptor }

    func write(_ body: (inout LogLine) -> Void) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Timestamp(Int64(time.tv_sec))
        state.withLock { state in
            if state.second != now {
                state.second = now
                state.stamp = Array(now.description.utf8)
            }
            state.line.clear()
            state.line.append(state.stamp)
            body(&state.line)
            state.line.append("\n")
            state.line.bytes.withUnsafeBytes(send)
        }
    }

    private func send(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
            #if canImport(Glibc)
            let count = Glibc.write(descriptor, base, rest.count)
            #else
            let count = Darwin.write(descriptor, base, rest.count)
            #endif
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard poll(&wanted, 1, LineStream.patience) > 0 else { return }
            } else if errno != EINTR {
                return
            }
        }
    }
}
