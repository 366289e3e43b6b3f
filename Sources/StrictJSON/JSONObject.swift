// SPDX-License-Identifier: Apache-2.0

/// The members of a JSON object, in order, each key once.
package struct JSONObject: Sendable, Equatable, Sequence {
    package typealias Member = (key: String, value: JSONValue)

    private(set) var keys: [String] = []
    private(set) var values: [JSONValue] = []
    /// From the ninth key on: where each key stands.
    private var places: [String: Int] = [:]

    package init() {}

    /// Of doubled keys the last one stays.
    package init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    /// Appends a member unless the key is there.
    /// - Returns: whether it was appended.
    mutating func append(_ key: String, _ value: JSONValue) -> Bool {
        guard place(of: key) == nil else { return false }
        if keys.count >= JSONObject.searched {
            if places.isEmpty {
                for (index, key) in keys.enumerated() { places[key] = index }
            }
            places[key] = keys.count
        }
        keys.append(key)
        values.append(value)
        return true
    }

    package subscript(key: String) -> JSONValue? {
        get { place(of: key).map { values[$0] } }
        set {
            switch (place(of: key), newValue) {
            case (nil, nil): break
            case (let index?, let value?): values[index] = value
            case (nil, let value?): _ = append(key, value)
            case (let index?, nil):
                keys.remove(at: index)
                values.remove(at: index)
                places = [:]
                if keys.count > JSONObject.searched {
                    for (index, key) in keys.enumerated() { places[key] = index }
                }
            }
        }
    }

    package func makeIterator() -> AnyIterator<Member> {
        var index = 0
        return AnyIterator {
            guard index < keys.count else { return nil }
            defer { index += 1 }
            return (keys[index], values[index])
        }
    }

    /// The same keys with equal values; the order does not matter.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }

    /// Up to so many keys are searched one after the other.
    private static let searched = 8

    private func place(of key: String) -> Int? {
        keys.count <= JSONObject.searched ? keys.firstIndex(of: key) : places[key]
    }
}
