// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SallyModel

/// Public keys that people made themselves and brought, so that no private key of theirs exists anywhere but with them.
///
/// Either a file of lines `NAME KEY`, with empty lines and `#` comments, or a folder of files `NAME.pub` with a line each.
package enum BroughtKeys {
    /// The most bytes of such a file: 10,000 keys of RSA 4096 with room to spare.
    package static let sizeLimit = 32 << 20
    /// More problems than these are counted, not listed.
    package static let listedProblems = 50

    /// - Parameters:
    ///   - path: links in its last part are not followed, nor are those in a folder.
    ///   - users: who is to be on the cluster. Not everybody needs to bring a key.
    /// - Throws: `SallyError(.invalidRequest)` that lists every problem, a line each, as `FILE:LINE: ...`.
    package static func read(_ path: String, for users: some Sequence<UserName>) throws -> [UserName: PublicKey] {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw cannotOpen(path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            defer { close(descriptor) }
            throw cannotOpen(path)
        }
        var reading = Reading(users: Set(users))
        if status.st_mode & S_IFMT == S_IFDIR {
            reading.checkMode(status, path)
            try reading.folder(descriptor, path)
        } else {
            defer { close(descriptor) }
            if let text = reading.text(descriptor, path, limit: sizeLimit) { reading.file(text, path) }
        }
        return try reading.result()
    }

    private static func cannotOpen(_ path: String) -> SallyError {
        errno == ELOOP
            ? SallyError(.invalidRequest, "\(quoted(path)) is a link", hint: "name the file itself")
            : SallyError(
                .invalidRequest,
                "the public keys in \(quoted(path)) cannot be read: \(String(cString: strerror(errno)))",
                hint: "public_keys is a file of lines NAME KEY, or a folder of NAME.pub")
    }
}

/// What was found so far, and what is wrong.
private struct Reading {
    let users: Set<UserName>
    private var keys: [UserName: PublicKey] = [:]
    private var places: [UserName: String] = [:]
    private var problems: [String] = []

    init(users: Set<UserName>) { self.users = users }

    func result() throws -> [UserName: PublicKey] {
        guard problems.isEmpty else {
            let listed = problems.prefix(BroughtKeys.listedProblems)
            let more = problems.count - listed.count
            throw SallyError(
                .invalidRequest, (listed + (more > 0 ? ["and \(more) more"] : [])).joined(separator: "\n"))
        }
        return keys
    }

    mutating func file(_ text: String, _ path: String) {
        for (index, line) in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let bytes = line.drop(while: isBlank)
            guard let first = bytes.first, first != 0x23 else { continue }
            let name = bytes.prefix { !isBlank($0) }
            let rest = bytes.dropFirst(name.count).drop(while: isBlank)
            add(String(decoding: name, as: UTF8.self), String(decoding: rest, as: UTF8.self), "\(path):\(index + 1)")
        }
    }

    mutating func folder(_ descriptor: Int32, _ path: String) throws {
        guard let folder = fdopendir(descriptor) else {
            close(descriptor)
            throw SallyError(.unavailable, "the folder \(quoted(path)) cannot be read", hint: "try again")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        for name in names.sorted() { entry(name, descriptor, path) }
    }

    private mutating func entry(_ name: String, _ folder: Int32, _ path: String) {
        let place = "\(path)/\(shown(name))"
        guard name.hasSuffix(".pub") else {
            problems.append("\(place): not called NAME.pub (take away what is no public key)")
            return
        }
        let descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = errno == ELOOP ? "is a link" : "cannot be read: \(String(cString: strerror(errno)))"
            problems.append("\(place): \(reason)")
            return
        }
        defer { close(descriptor) }
        guard var text = text(descriptor, place, limit: PublicKey.sizeLimit + 1) else { return }
        if text.utf8.last == 0x0a { text = String(decoding: text.utf8.dropLast(), as: UTF8.self) }
        add(String(name.dropLast(4)), text, place)
    }

    private mutating func add(_ name: String, _ text: String, _ place: String) {
        do {
            // Names first: a whole key in the place of the name is a line that begins with the key.
            guard PublicKey.Kind(rawValue: name) == nil else {
                throw SallyError(.invalidRequest, "no user name stands before the key", hint: "lines are NAME KEY")
            }
            guard UserName.accepts(name) else {
                throw SallyError(
                    .invalidRequest, "\(shown(name)) is not a user name", hint: "lines are NAME KEY; \(UserName.rule)")
            }
            let user = try UserName(name)
            let key = try PublicKey(text)
            guard users.contains(user) else {
                throw SallyError(
                    .invalidRequest, "\(user) is not one of the users", hint: "see num_users and usernames")
            }
            if let before = places[user] {
                throw SallyError(.invalidRequest, "\(user) has a key already, at \(before)", hint: "one key for each")
            }
            keys[user] = key
            places[user] = place
        } catch {
            problems.append("\(place): \((error as? SallyError)?.description ?? "not valid")")
        }
    }

    /// A name in a message: nothing but what a file name or user name usually is. Whole private keys stand in wrong places.
    private func shown(_ name: String) -> String {
        name.utf8.count <= 64 ? quoted(name) : "a text of \(name.utf8.count) bytes"
    }

    mutating func checkMode(_ status: stat, _ place: String) {
        if status.st_mode & 0o022 != 0 {
            problems.append("\(place): others can write to it, and so choose who gets in (chmod go-w it)")
        }
    }

    /// The whole of a regular file, or nil after a problem.
    mutating func text(_ descriptor: Int32, _ place: String, limit: Int) -> String? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            problems.append("\(place): not a regular file")
            return nil
        }
        checkMode(status, place)
        guard let bytes = readWhole(descriptor, limit: limit) else {
            problems.append("\(place): more than \(limit) bytes, or not readable")
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            problems.append("\(place): not UTF-8")
            return nil
        }
        return text
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

/// What is left to read, or nil when it is more than `limit` bytes or cannot be read.
func readWhole(_ descriptor: Int32, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        guard bytes.count <= limit else { return nil }
    }
}
