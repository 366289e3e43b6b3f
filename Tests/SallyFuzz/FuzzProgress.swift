// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The way through the cases of one test.
struct FuzzProgress {
    private let fuzz: Fuzz
    private let end: Int
    private let file: FuzzFile?
    private var number: Int
    private var tried = 0
    private var accepted = 0
    private var said = ContinuousClock.now

    /// A run that takes longer than a moment.
    private static let long = 50_000
    private static let pause = Duration.seconds(15)

    init(_ fuzz: Fuzz) throws {
        self.fuzz = fuzz
        let only = Fuzz.Setting.only
        number = only ?? fuzz.part
        // Another part has that one.
        end = only.map { $0 % fuzz.parts == fuzz.part ? $0 + 1 : 0 } ?? fuzz.cases
        file = try Fuzz.Setting.place.map { try FuzzFile("\($0)/\(FuzzProgress.fileName(fuzz))") }
    }

    mutating func next() -> Int? {
        guard number < end else { return nil }
        defer { number += fuzz.parts }
        file?.write(number)
        if end >= FuzzProgress.long, tried.isMultiple(of: 64) { report() }
        return number
    }

    mutating func count(_ verdict: Fuzz.Verdict) {
        tried += 1
        if case .accepted = verdict { accepted += 1 }
    }

    func failure(_ number: Int, _ error: any Error) -> FuzzFailure {
        file?.remove()
        return FuzzFailure(
            description: """
                \(fuzz.name), case \(number) of seed \(Fuzz.Setting.seed): \(error)
                again: make fuzz SEED=\(Fuzz.Setting.seed) CASE=\(number)
                """)
    }

    func finish(accepting least: Int) throws {
        file?.remove()
        guard Fuzz.Setting.only == nil else {
            if tried > 0 { FuzzProgress.say("\(title): case \(end - 1) of seed \(Fuzz.Setting.seed) is right") }
            return
        }
        if end >= FuzzProgress.long { FuzzProgress.say("\(title): all \(tried) cases, \(accepted) accepted") }
        guard accepted * 1000 >= least * tried else {
            throw FuzzFailure(
                description: "\(title): \(accepted) of \(tried) cases were accepted, fewer than \(least) of 1000")
        }
    }

    private var title: String { fuzz.name + (fuzz.parts > 1 ? " (\(fuzz.part + 1) of \(fuzz.parts))" : "") }

    private mutating func report() {
        let now = ContinuousClock.now
        guard now - said >= FuzzProgress.pause else { return }
        said = now
        FuzzProgress.say("\(title): \(tried) of \(end / fuzz.parts) cases, \(accepted) accepted")
    }

    private static func say(_ text: String) {
        let bytes = Array("fuzz: \(text)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func fileName(_ fuzz: Fuzz) -> String {
        let letters = fuzz.name.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: byte
            default: UInt8(ascii: "-")
            }
        }
        return String(decoding: letters, as: UTF8.self) + ".\(fuzz.part)"
    }
}

/// Says which case is under way, also when the process has ended in it.
private final class FuzzFile: Sendable {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FuzzFailure(description: "\(path) cannot be written") }
    }

    deinit { close(descriptor) }

    func write(_ number: Int) {
        let digits = String(number)
        let text = Array((String(repeating: " ", count: max(0, 19 - digits.utf8.count)) + digits + "\n").utf8)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    func remove() { unlink(path) }
}
