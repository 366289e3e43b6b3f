// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SlurmModel

/// Makes a submission of arguments, script and environment.
enum SubmissionReader {
    static func asksForHelp(_ arguments: [String]) -> Bool {
        guard let first = arguments.first else { return false }
        return ["--help", "-h", "--usage"].contains(first)
    }

    /// The command line wins over the environment, and that over #SBATCH lines (sbatch(1)).
    static func read(_ arguments: [String], _ here: Surroundings) throws -> Submission {
        let words = try SubmissionWords(arguments)
        let wrapped = words.options.last { $0.option == .wrap }?.value
        let script = try script(words.rest, wrapped: wrapped, here)
        var options: [SaidOption] = []
        for line in Directives.lines(of: script) {
            let said = try Directives.words(line)
            let read = try located(line.number) { try SubmissionWords(said) }
            guard read.rest.isEmpty else {
                throw SallyError(
                    .invalidRequest, "line \(line.number) of the script: \(quoted(read.rest[0])) is no option")
            }
            if let misplaced = read.options.first(where: \.option.onlyOnCommandLine) {
                throw SallyError(
                    .invalidRequest,
                    "line \(line.number) of the script: \(misplaced.spelling) belongs on the command line")
            }
            options += read.options
        }
        options += try SubmissionEnvironment.options(here.environment)
        return try submission(options + words.options, script, words.rest, wrapped: wrapped, here)
    }

    private static func submission(
        _ options: [SaidOption], _ script: String, _ words: [String], wrapped: String?, _ here: Surroundings
    ) throws -> Submission {
        var generator = SystemRandomNumberGenerator()
        var result = Submission(
            request: JobRequest(script: script), mode: .submit, follow: false, parsable: false,
            common: try CommonOptions.parse([]), key: OpaqueID.random(using: &generator).rawValue)
        result.request.name = wrapped != nil ? "wrap" : words.first.map(fileName) ?? "sbatch"
        result.common.cluster = SubmissionEnvironment.cluster(here)
        result.request.arguments = wrapped != nil ? [] : Array(words.dropFirst())
        var export: String?
        // Of an option said twice the last one counts: fields that contradict each other are judged on the rest.
        for (index, said) in options.enumerated() {
            if options[(index + 1)...].contains(where: { $0.option == said.option }) { continue }
            let value = said.value ?? "true"
            switch said.option {
            case .field(let field): try set(&result.request, field, value, said.spelling)
            case .noRequeue: result.request.requeue = false
            case .export: export = value
            case .parsable: result.parsable = true
            case .testOnly: result.mode = .testOnly
            case .follow: result.follow = true
            case .json: result.common.json = true
            case .context: result.common.context = value
            case .cluster: result.common.cluster = value
            case .key: result.key = try key(value)
            case .wrap, .quiet, .refused: break
            }
        }
        result.request.environment = try ExportedEnvironment.make(export, from: here.environment)
        try result.request.check()
        return result
    }

    private static func set(_ request: inout JobRequest, _ field: JobField, _ value: String, _ spelling: String) throws
    {
        do {
            try request.set(field, to: value)
        } catch let error as SallyError {
            throw SallyError(error.code, "option \(spelling): \(error.message)", hint: error.hint, cause: error.cause)
        }
    }

    private static func key(_ text: String) throws -> String {
        guard (1...200).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw SallyError(.invalidRequest, "the idempotency key is not 1-200 visible ASCII characters")
        }
        return text
    }

    private static func script(_ words: [String], wrapped: String?, _ here: Surroundings) throws -> String {
        if let wrapped {
            guard words.isEmpty else {
                throw SallyError(
                    .invalidRequest, "--wrap and a script exclude each other", hint: "leave one of them out")
            }
            return "#!/bin/sh\n# This script was created by sally submit --wrap.\n\n\(wrapped)\n"
        }
        let file = words.first
        if file == nil, here.inputIsTerminal {
            throw SallyError(
                .invalidRequest, "there is no script",
                hint: "name a file, say --wrap=\"COMMAND\", or give the script on standard input")
        }
        let bytes =
            try file.map { try here.readFile($0, JobRequest.largestScript) } ?? here.readInput(JobRequest.largestScript)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SallyError(.invalidRequest, "the script is not UTF-8 text")
        }
        return text
    }

    private static func fileName(_ path: String) -> String { String(path.split(separator: "/").last ?? "sbatch") }

    private static func located<Value>(_ line: Int, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as SallyError {
            throw SallyError(
                error.code, "line \(line) of the script: \(error.message)", hint: error.hint, cause: error.cause)
        }
    }
}

/// The #SBATCH lines of a script: they stop at the first line that is neither comment nor empty (sbatch(1)).
enum Directives {
    struct Line: Equatable {
        var number: Int
        var text: Substring
    }

    static func lines(of script: String) -> [Line] {
        var result: [Line] = []
        for (index, line) in script.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let bare = line.drop { $0 == " " || $0 == "\t" }
            if line.hasPrefix("#SBATCH"), let next = line.dropFirst(7).first, next == " " || next == "\t" {
                result.append(Line(number: index + 1, text: line.dropFirst(7)))
            } else if !bare.isEmpty, !bare.hasPrefix("#") {
                break
            }
        }
        return result
    }

    /// Words as sbatch cuts them: at blanks; quotes and backslash keep them together; an unquoted # begins a comment.
    static func words(_ line: Line) throws -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var escaped = false
        for character in line.text {
            if escaped {
                word = (word ?? "") + String(character)
                escaped = false
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\\" {
                escaped = true
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\t" {
                if let done = word { words.append(done) }
                word = nil
            } else if character == "#", word == nil {
                break
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else {
            throw SallyError(.invalidRequest, "line \(line.number) of the script: a quote is not closed")
        }
        if let word { words.append(word) }
        return words
    }
}
