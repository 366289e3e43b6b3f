// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Two programs, what the first writes being what the second reads, with a count of the bytes on their way.
package struct BytePump: Sendable {
    /// How both ended.
    package struct Ends: Sendable, Equatable {
        package var writer: Int32
        package var reader: Int32
    }

    private let counted: @Sendable (Int64) -> Void

    /// - Parameter counted: hears the number of bytes so far, on a thread of its own.
    package init(counted: @escaping @Sendable (Int64) -> Void) { self.counted = counted }

    /// Runs `writer` with its output, and `reader` with its input, at the two ends, until both have ended.
    ///
    /// Both must leave the descriptors open that they are given, and have ended when they return or throw.
    /// - Throws: what the first of them throws, after the other has ended.
    package func run(
        writer: @escaping @Sendable (_ output: Int32) async throws -> Int32,
        reader: @escaping @Sendable (_ input: Int32) async throws -> Int32
    ) async throws -> Ends {
        ProgramCall.ignoreBrokenPipes
        let first = try Pipe()
        let second: Pipe
        do { second = try Pipe() } catch {
            first.closeBoth()
            throw error
        }
        let pump = Pump(input: first.reading, output: second.writing, counted: counted)
        // A thread of its own, because it blocks in read(2) and write(2).
        var thread = pthread_t()
        guard pthread_create(&thread, nil, { pumping($0) }, Unmanaged.passRetained(pump).toOpaque()) == 0 else {
            first.closeBoth()
            second.closeBoth()
            throw ProgramFailure.system(number: EAGAIN)
        }
        pthread_detach(thread)
        return try await withThrowingTaskGroup(of: Ends.self) { group in
            group.addTask {
                // Once it has ended, nobody else may write: then the pump comes to an end.
                defer { close(first.writing) }
                return Ends(writer: try await writer(first.writing), reader: 0)
            }
            group.addTask {
                // Once it has ended, nobody else may read: then the pump, and through it the writer, breaks off.
                defer { close(second.reading) }
                return Ends(writer: 0, reader: try await reader(second.reading))
            }
            var ends = Ends(writer: 0, reader: 0)
            for try await end in group {
                ends.writer = max(ends.writer, end.writer)
                ends.reader = max(ends.reader, end.reader)
            }
            return ends
        }
    }

    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw ProgramFailure.system(number: errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (reading, writing) = (ends[0], ends[1])
        }

        func closeBoth() {
            close(reading)
            close(writing)
        }
    }
}

private final class Pump: Sendable {
    let input: Int32
    let output: Int32
    let counted: @Sendable (Int64) -> Void

    init(input: Int32, output: Int32, counted: @escaping @Sendable (Int64) -> Void) {
        self.input = input
        self.output = output
        self.counted = counted
    }

    func run() {
        defer {
            close(input)
            close(output)
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var total: Int64 = 0
        while true {
            let count = buffer.withUnsafeMutableBytes { read(input, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return }
                rest = rest.dropFirst(written)
            }
            total += Int64(count)
            counted(total)
        }
    }
}

private func pumping(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<Pump>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
