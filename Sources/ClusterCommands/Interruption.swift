// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The program was told to stop by SIGINT, SIGTERM or SIGHUP.
struct Interrupted: Error, Equatable {
    let signal: Int32
    /// As a shell says it.
    var exitStatus: Int32 { 128 + signal }
}

/// Turns signals into cancellation, so that what was begun is cleaned up.
enum Interruption {
    /// Runs `body` and cancels it when a signal comes. Further signals change nothing: the clean-up has begun.
    ///
    /// - Throws: `Interrupted` after `body` ended, if a signal came first; else what `body` throws.
    static func cancelling<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value
    {
        let signals = try watch()
        return try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await signal in signals { throw Interrupted(signal: signal) }
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private static func watch() throws -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw CancellationError() }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        writingEnd.store(ends[1], ordering: .releasing)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // Only what signal-safety(7) permits: one write of the signal's number.
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(writingEnd.load(ordering: .acquiring), &byte, 1)
            }
        }
        // A thread of its own, because it blocks in read(2) for as long as the program runs.
        let listener = Listener(descriptor: ends[0], continuation: continuation)
        var thread = pthread_t()
        pthread_create(&thread, nil, { listen($0) }, Unmanaged.passRetained(listener).toOpaque())
        pthread_detach(thread)
        return stream
    }
}

/// Where the handler writes to. Atomic, because a handler may run on any thread.
private let writingEnd = Atomic<Int32>(-1)

private final class Listener: Sendable {
    let descriptor: Int32
    let continuation: AsyncStream<Int32>.Continuation
    init(descriptor: Int32, continuation: AsyncStream<Int32>.Continuation) {
        self.descriptor = descriptor
        self.continuation = continuation
    }
}

private func listen(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let listener = Unmanaged<Listener>.fromOpaque(context).takeRetainedValue()
    var byte: UInt8 = 0
    while true {
        let count = read(listener.descriptor, &byte, 1)
        if count == 1 { listener.continuation.yield(Int32(byte)) }
        if count == 0 || (count < 0 && errno != EINTR) { return nil }
    }
}
