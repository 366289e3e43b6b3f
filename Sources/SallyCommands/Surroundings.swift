// SPDX-License-Identifier: Apache-2.0

package import SallyClient
package import SallyModel

/// Where a command's data and talk go.
package protocol ByteOutput: Sendable {
    /// - Throws: `ClosedOutput` when nobody reads any more.
    func write(_ bytes: [UInt8]) throws
    var isTerminal: Bool { get }
    /// Nil for what is no terminal, and for one that does not say.
    var window: WindowSize? { get }
}

/// How much text a terminal shows.
package struct WindowSize: Sendable {
    package var columns: Int
    package var lines: Int

    package init(columns: Int, lines: Int) {
        self.columns = columns
        self.lines = lines
    }
}

/// Whoever read our output has gone, as in `sally jobs | head -1`.
package struct ClosedOutput: Error {
    package init() {}
}

/// Everything that a command touches outside of itself.
package struct Surroundings: Sendable {
    /// Set by `SallyMain` around the command.
    @TaskLocal static var current: Surroundings?

    package var environment: [String: String]
    /// Data, and nothing else.
    package var output: any ByteOutput
    /// Talk.
    package var talk: any ByteOutput
    package var inputIsTerminal: Bool
    package var readLine: @Sendable () -> String?
    /// All of standard input, or of a file; at most so many bytes.
    package var readInput: @Sendable (_ limit: Int) throws -> [UInt8]
    package var readFile: @Sendable (_ path: String, _ limit: Int) throws -> [UInt8]
    package var clock: any WallClock
    /// By how many seconds the clock on the wall is ahead of UTC at a moment.
    package var zone: @Sendable (Timestamp) -> Int64
    package var sleep: @Sendable (Duration) async throws -> Void
    package var exchange: @Sendable (GatewayAddress, _ caFile: String?) throws -> any HTTPExchange
    /// Starts a program in the background; nil when it could not be started.
    package var start: @Sendable ([String]) -> StartedProgram?
    /// Puts a program in our place; returns only when that failed.
    package var replace: @Sendable (_ path: String, _ arguments: [String]) -> Void
    /// What to say if the program is interrupted from now on; nil ends that.
    package var ifInterrupted: @Sendable (String?) -> Void
    /// The path of this program.
    package var program: String
    package var host: String

    package init(
        environment: [String: String], output: any ByteOutput, talk: any ByteOutput, inputIsTerminal: Bool,
        readLine: @escaping @Sendable () -> String?, readInput: @escaping @Sendable (Int) throws -> [UInt8],
        readFile: @escaping @Sendable (String, Int) throws -> [UInt8], clock: any WallClock,
        zone: @escaping @Sendable (Timestamp) -> Int64,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        exchange: @escaping @Sendable (GatewayAddress, String?) throws -> any HTTPExchange,
        start: @escaping @Sendable ([String]) -> StartedProgram?,
        replace: @escaping @Sendable (String, [String]) -> Void,
        ifInterrupted: @escaping @Sendable (String?) -> Void,
        program: String, host: String
    ) {
        self.environment = environment
        self.output = output
        self.talk = talk
        self.inputIsTerminal = inputIsTerminal
        self.readLine = readLine
        self.readInput = readInput
        self.readFile = readFile
        self.clock = clock
        self.zone = zone
        self.sleep = sleep
        self.exchange = exchange
        self.start = start
        self.replace = replace
        self.ifInterrupted = ifInterrupted
        self.program = program
        self.host = host
    }

    func set(_ variable: String) -> String? { environment[variable].flatMap { $0.isEmpty ? nil : $0 } }

    /// A line of talk.
    func say(_ line: String) throws { try talk.write(Array("\(line)\n".utf8)) }

    /// A line of data.
    func put(_ line: String) throws { try output.write(Array("\(line)\n".utf8)) }

    var store: ContextStore {
        get throws { ContextStore(folder: try ContextStore.folder(environment: environment)) }
    }
}
