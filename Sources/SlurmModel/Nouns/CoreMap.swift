// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// Which cores of a node a job has. Neutrally a word per socket and a letter per core: `AAUU`, since a big job has
/// thousands of them.
enum CoreMap {
    /// A socket or core beyond is none.
    private static let most = 4096

    private static let states: [(letter: Character, status: [String])] = [
        ("A", ["ALLOCATED"]), ("U", ["UNALLOCATED"]), ("I", ["ALLOCATED", "IN_USE"]), ("V", ["INVALID"]),
    ]

    static func value(_ json: JSONValue) -> FieldValue {
        var sockets: [[Character]] = []
        for socket in json.array ?? [] {
            guard let index = socket["index"]?.integer(), (0..<most).contains(index) else { continue }
            for core in socket["cores"]?.array ?? [] {
                guard let place = core["index"]?.integer() else { continue }
                let status = core["status"]?.array?.compactMap(\.string) ?? []
                let letter = states.first { $0.status == status }?.letter
                set(letter ?? (status.contains("IN_USE") ? "I" : "V"), index, place, &sockets)
            }
        }
        return words(sockets)
    }

    static func json(_ value: FieldValue) -> JSONValue {
        .array(
            value.words.enumerated().map { index, socket in
                [
                    "index": .integer(index),
                    "cores": .array(
                        socket.enumerated().map { core, letter in
                            let status = states.first { $0.letter == letter }?.status ?? ["INVALID"]
                            return ["index": .integer(core), "status": .array(status.map(JSONValue.string))]
                        }),
                ]
            })
    }

    static func oldValue(_ json: JSONValue) -> FieldValue {
        var sockets: [[Character]] = []
        for (socket, members) in json.object ?? JSONObject() {
            guard let index = decimal(socket), (0..<most).contains(index) else { continue }
            for (core, status) in members["cores"]?.object ?? JSONObject() {
                guard let place = decimal(core) else { continue }
                set(status.string == "allocated" ? "A" : "I", index, place, &sockets)
            }
        }
        return words(sockets)
    }

    /// Only what the job has, as v0.0.38 and v0.0.40 say it.
    static func oldJSON(_ value: FieldValue) -> JSONValue {
        var sockets = JSONObject()
        for (index, socket) in value.words.enumerated() {
            var cores = JSONObject()
            for (core, letter) in socket.enumerated() where letter == "A" || letter == "I" {
                cores["\(core)"] = letter == "A" ? "allocated" : "allocated_and_in_use"
            }
            if !cores.isEmpty { sockets["\(index)"] = ["cores": .object(cores)] }
        }
        return .object(sockets)
    }

    private static func set(_ letter: Character, _ socket: Int, _ core: Int, _ sockets: inout [[Character]]) {
        guard (0..<most).contains(core) else { return }
        while sockets.count <= socket { sockets.append([]) }
        while sockets[socket].count <= core { sockets[socket].append("U") }
        sockets[socket][core] = letter
    }

    private static func words(_ sockets: [[Character]]) -> FieldValue {
        sockets.isEmpty ? .unset : .words(sockets.map { String($0) })
    }
}
