// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Surroundings {
    /// This process's own.
    package static func system() -> Surroundings {
        Surroundings(
            environment: processEnvironment(), output: DescriptorOutput(descriptor: 1),
            talk: DescriptorOutput(descriptor: 2), inputIsTerminal: isatty(0) == 1,
            readLine: { Swift.readLine() },
            readInput: { try readAll(0, limit: $0, name: "standard input") },
            readFile: bytes(ofFile:limit:), clock: SystemClock(), zone: secondsAheadOfUTC,
            sleep: { try await Task.sleep(for: $0) },
            exchange: { try AsyncHTTPExchange(gateway: $0, caFile: $1) },
            start: ProgramStart.inBackground, replace: ProgramStart.replace,
            ifInterrupted: InterruptNote.set,
            program: programPath(), host: hostName())
    }
}

private struct DescriptorOutput: ByteOutput {
    let descriptor: Int32

    var isTerminal: Bool { isatty(descriptor) == 1 }

    var window: WindowSize? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return WindowSize(columns: Int(size.ws_col), lines: Int(size.ws_row))
    }

    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EPIPE { throw ClosedOutput() }
            guard count > 0 else { throw SallyError(.internal, "cannot write the output: \(lastError())") }
            rest = rest.dropFirst(count)
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func bytes(ofFile path: String, limit: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw SallyError(
            .invalidRequest, "cannot open \(quoted(path)): \(lastError())", hint: "check the name of the file")
    }
    defer { close(descriptor) }
    return try readAll(descriptor, limit: limit, name: quoted(path))
}

/// By TZ, else /etc/localtime (localtime_r(3)); UTC where neither can be read.
private func secondsAheadOfUTC(_ moment: Timestamp) -> Int64 {
    var seconds = time_t(moment.rawValue)
    var clock = tm()
    guard localtime_r(&seconds, &clock) != nil else { return 0 }
    return Int64(clock.tm_gmtoff)
}

private func processEnvironment() -> [String: String] {
    var result: [String: String] = [:]
    guard var entry = environ as UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? else { return result }
    while let text = entry.pointee {
        let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
        entry += 1
    }
    return result
}

private func programPath() -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { room in
        room.bindMemory(to: CChar.self).baseAddress.map { readlink("/proc/self/exe", $0, room.count) } ?? -1
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : CommandLine.arguments.first ?? "sally"
}

private func hostName() -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let failed = buffer.withUnsafeMutableBytes { room in
        room.bindMemory(to: CChar.self).baseAddress.map { gethostname($0, room.count - 1) } ?? -1
    }
    return failed == 0 ? String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self) : "unknown"
}
