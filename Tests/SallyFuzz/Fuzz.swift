// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A test by made-up cases. Each case has a generator of its own, made of the seed, the test's name and the case's number, so that
/// one can be tried again alone: `make fuzz SEED=1 CASE=123` tries that case of every test.
///
/// A long run says every quarter of a minute how far it is; of a case that ends the process the number is left in a file
/// (scripts/fuzz).
package struct Fuzz: Sendable {
    /// What became of a case that was as it has to be.
    package enum Verdict: Sendable { case accepted, refused }

    let name: String
    let part: Int
    let parts: Int
    let cases: Int
    private let start: UInt64

    /// - Parameters:
    ///   - name: what is tried; it stands in reports, and different names have different cases.
    ///   - quick: how many cases an ordinary run of the tests tries; `make fuzz` tries a million.
    ///   - part: which share of them this is, of `parts` that can run at the same time.
    package init(_ name: String, quick: Int = 5_000, part: Int = 0, of parts: Int = 1) {
        self.name = name
        self.part = part
        self.parts = parts
        cases = Setting.cases ?? quick
        start = name.utf8.reduce(SeededGenerator.mixed(Setting.seed)) { SeededGenerator.mixed($0 ^ UInt64($1)) }
    }

    /// Tries every case.
    ///
    /// - Parameter least: how many of a thousand cases are accepted at the least: a generator that makes nothing valid tests
    ///   nothing.
    /// - Throws: `FuzzFailure` at the first case that throws.
    package func run(accepting least: Int = 0, _ body: (inout SeededGenerator) throws -> Verdict) throws {
        var progress = try FuzzProgress(self)
        while let number = progress.next() {
            do {
                var random = generator(number)
                progress.count(try body(&random))
            } catch {
                throw progress.failure(number, error)
            }
        }
        try progress.finish(accepting: least)
    }

    /// The same for what has to wait.
    package func run(accepting least: Int = 0, _ body: (inout SeededGenerator) async throws -> Verdict) async throws {
        var progress = try FuzzProgress(self)
        while let number = progress.next() {
            do {
                var random = generator(number)
                progress.count(try await body(&random))
            } catch {
                throw progress.failure(number, error)
            }
        }
        try progress.finish(accepting: least)
    }

    /// - Throws: what was found, where `condition` does not hold.
    package static func check(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard condition else { throw FuzzFinding(description: what()) }
    }

    private func generator(_ number: Int) -> SeededGenerator {
        SeededGenerator(SeededGenerator.mixed(start &+ UInt64(number) &* 0xd134_2543_de82_ef95))
    }

    /// What `make fuzz` says.
    enum Setting {
        static let cases = text("CASES").flatMap { Int($0) }
        static let seed = text("SEED").flatMap { UInt64($0) } ?? 1
        /// The only case that is tried.
        static let only = text("CASE").flatMap { Int($0) }
        /// The folder for the numbers of cases under way.
        static let place = text("PLACE")

        private static func text(_ name: String) -> String? {
            ProcessInfo.processInfo.environment["SALLYPORT_FUZZ_\(name)"].flatMap { $0.isEmpty ? nil : $0 }
        }
    }
}

/// What a case showed.
package struct FuzzFinding: Error, CustomStringConvertible {
    package let description: String
}

/// Which case failed, why, and how to try it again.
package struct FuzzFailure: Error, CustomStringConvertible {
    package let description: String
}
