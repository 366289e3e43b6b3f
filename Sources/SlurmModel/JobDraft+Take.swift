// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

extension JobDraft {
    /// Takes over one property.
    /// - Throws: `FieldMistake` for a value of the wrong kind, `SallyError` for a notation that is not valid.
    mutating func take(_ part: DescriptionKey, _ reading: FieldReading) throws {
        switch part {
        case .name: try set(.jobName, text(reading))
        case .partition: try set(.partition, text(reading))
        case .account: try set(.account, text(reading))
        case .qos: try set(.qos, text(reading))
        case .reservation: try set(.reservation, text(reading))
        case .constraint: try set(.constraint, text(reading))
        case .preferred: try set(.preferred, text(reading))
        case .requiredNodes: try set(.nodelist, names(reading))
        case .excludedNodes: try set(.exclude, names(reading))
        case .tasks: try set(.ntasks, number(reading))
        case .tasksPerNode: try set(.ntasksPerNode, number(reading))
        case .tasksPerSocket: try set(.ntasksPerSocket, number(reading))
        case .cpusPerTask: try set(.cpusPerTask, number(reading))
        case .cpusPerNode: try set(.cpusPerNode, number(reading))
        case .cpusPerGPU: try set(.cpusPerGPU, number(reading))
        case .memoryPerNode: try set(.memory, memory(reading))
        case .memoryPerCPU: try set(.memoryPerCPU, memory(reading))
        case .memoryPerGPU: try set(.memoryPerGPU, memory(reading))
        case .disk: try set(.disk, memory(reading))
        case .gpus: try set(.gpus, text(reading))
        case .gpusPerNode: try set(.gpusPerNode, text(reading))
        case .gpusPerTask: try set(.gpusPerTask, text(reading))
        case .gres: try setTRES(.gpusPerNode, reading)
        case .tresPerJob: try setTRES(.gpus, reading)
        case .tresPerNode: try setTRES(.gpusPerNode, reading)
        case .tresPerTask: try setTRES(.gpusPerTask, reading)
        case .cpusPerTRES: try set(.cpusPerGPU, JobDraft.perGPU(text(reading)))
        case .memoryPerTRES: try set(.memoryPerGPU, JobDraft.perGPU(text(reading)))
        case .timeLimit: try set(.time, minutes(reading))
        case .timeMinimum: try set(.timeMinimum, minutes(reading))
        case .array: try set(.array, text(reading))
        case .dependency: try set(.dependency, text(reading))
        case .begin, .beginRelative: try set(.begin, moment(reading))
        case .workingDirectory: try set(.chdir, text(reading))
        case .standardOutput: try set(.output, text(reading))
        case .standardError: try set(.error, text(reading))
        case .standardInput: try set(.input, text(reading))
        case .openMode, .openModeWords: try set(.openMode, word(reading).lowercased())
        case .comment: try set(.comment, text(reading))
        case .nice: try set(.nice, number(reading))
        case .mail: try set(.mailType, MailEvents.option(list(reading)))
        case .signal: try set(.signal, text(reading))
        case .script: script = try text(reading)
        case .arguments: request.arguments = Array(try list(reading).dropFirst())
        case .environment:
            guard case .map(let variables) = reading else { throw FieldMistake("an object of texts") }
            request.environment = variables
        case .minimumNodes: minimumNodes = try count(reading, from: 1)
        case .maximumNodes: maximumNodes = try count(reading, from: 1)
        case .nodes: nodes = try nodes(reading)
        case .switches: switches = try count(reading, from: 1)
        case .switchWait: switchWait = try count(reading, from: 0)
        case .signalName:
            guard let name = JobSignal.canonical(try text(reading)) else { throw FieldMistake("a signal") }
            signalName = name
        case .signalSeconds: signalSeconds = try count(reading, from: 0)
        case .signalFlags:
            guard try list(reading) == ["BATCH_JOB"] else { throw FieldMistake("BATCH_JOB alone") }
            signalsBatch = true
        case .hold: hold = try flag(reading)
        case .priority:
            guard try count(reading, from: 0) == 0 else {
                throw SallyError(
                    .unsupported, "field priority is not offered: \(RefusedField.operators.reason)",
                    hint: RefusedField.operators.hint)
            }
            heldByPriority = true
        case .noRequeue: noRequeue = try flag(reading)
        case .noKill: try set(.noKill, try isSet(reading) ? "true" : "false")
        case .killOnNodeFail: try set(.noKill, try flag(reading) ? "false" : "true")
        case .contiguous: try set(.contiguous, try flag(reading) ? "true" : "false")
        case .requeue: try set(.requeue, try flag(reading) ? "true" : "false")
        case .flags, .killOnInvalidDependency: try takeDependencyFlag(reading)
        case .exclusive, .shared: try takeSharing(reading)
        }
    }

    func text(_ reading: FieldReading) throws -> String {
        switch reading {
        case .text(let text): return text
        case .number(let number): return "\(number)"
        case .list(let texts) where texts.count == 1: return texts[0]
        case .unset, .infinite, .flag, .list, .map: throw FieldMistake("a text")
        }
    }

    func list(_ reading: FieldReading) throws -> [String] {
        switch reading {
        case .list(let texts): return texts
        case .text(let text): return [text]
        case .unset, .number, .infinite, .flag, .map: throw FieldMistake("a list of texts")
        }
    }

    func flag(_ reading: FieldReading) throws -> Bool {
        guard case .flag(let value) = reading else { throw FieldMistake("true or false") }
        return value
    }

    func count(_ reading: FieldReading, from least: Int) throws -> Int {
        guard case .number(let number) = reading, let count = Int(exactly: number), count >= least else {
            throw FieldMistake("a whole number from \(least) on")
        }
        return count
    }

    private func number(_ reading: FieldReading) throws -> String {
        guard case .number(let number) = reading else { throw FieldMistake("a whole number") }
        return "\(number)"
    }

    private func word(_ reading: FieldReading) throws -> String {
        let words = try list(reading)
        guard words.count == 1 else { throw FieldMistake("one word") }
        return words[0]
    }

    private func names(_ reading: FieldReading) throws -> String { try list(reading).joined(separator: ",") }

    /// MiB, or a text with a unit.
    private func memory(_ reading: FieldReading) throws -> String {
        switch reading {
        case .number(let number): return "\(number)"
        case .text(let text): return text
        case .unset, .infinite, .flag, .list, .map: throw FieldMistake("MiB, or a text with K, M, G or T")
        }
    }

    /// Slurm 22.05 takes sbatch's notation as well.
    private func minutes(_ reading: FieldReading) throws -> String {
        switch reading {
        case .infinite: return "UNLIMITED"
        case .number(let number) where number > 0 || version.takesOptions: return "\(number)"
        case .text(let text) where version.takesOptions: return text
        case .unset, .text, .number, .flag, .list, .map: throw FieldMistake("minutes from 1 on")
        }
    }

    /// Seconds since 1970, or a moment as sbatch takes it.
    private func moment(_ reading: FieldReading) throws -> String {
        switch reading {
        case .number(let seconds): return try JobDraft.moment(seconds)
        case .text(let text):
            guard let seconds = Int64(text), text.utf8.count > 4 else { return text }
            return try JobDraft.moment(seconds)
        case .unset, .infinite, .flag, .list, .map: throw FieldMistake("seconds since 1970")
        }
    }

    /// Up to the year 2200, as the notation goes. What has passed is now.
    private static func moment(_ seconds: Int64) throws -> String {
        guard seconds >= 0, seconds < 7_258_118_400 else { throw FieldMistake("seconds since 1970") }
        return seconds < 1_577_836_800 ? "now" : Timestamp(seconds).description
    }

    private mutating func setTRES(_ field: JobField, _ reading: FieldReading) throws {
        let counts = try GPUCounts(gres: list(reading).joined(separator: ","))
        if !counts.isEmpty { try set(field, counts.description) }
    }

    /// `gres/gpu:3`, `gres:gpu:3`, `gpu:3`, `gres/gpu=3`: so many for each GPU, of whatever type.
    static func perGPU(_ text: String) throws -> String {
        var rest = Substring(text)
        if rest.hasPrefix("gres/") || rest.hasPrefix("gres:") { rest = rest.dropFirst(5) }
        guard rest.hasPrefix("gpu:") || rest.hasPrefix("gpu=") else {
            throw SallyError(
                .unsupported, "\(quoted(text)) for each resource is not offered", hint: "gres/gpu:NUMBER is")
        }
        return String(rest.dropFirst(4))
    }
}
