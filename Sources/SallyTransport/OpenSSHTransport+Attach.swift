// SPDX-License-Identifier: Apache-2.0

package import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension OpenSSHTransport: AttachingTransport {
    package func attach(_ attachment: Attachment, to node: NodeName) async throws -> Int32 {
        var command = try command(for: node)
        // A connection of its own: what one forwards is not for the others.
        command.settings.sharing = .none
        let mark = NodeSweep.random()
        let log = try OpenSSHLog()
        defer { log.remove() }
        let agent = attachment.forwarding.contains(.agent) ? ownVariables["SSH_AUTH_SOCK"] : nil
        var call = ssh(
            command.arguments(attaching: attachment, mark: mark, log: log.path, agent: agent), deadline: .zero)
        if attachment.forwarding.contains(.x11) {
            for name in ["DISPLAY", "XAUTHORITY"] { call.environment[name] = ownVariables[name] }
        }
        let attached = AttachedCall(call: call, streams: attachment.streams)
        do {
            return try await sweeping(sweep(mark, command)) {
                let status = try await attached.run()
                // 255 is ssh's own failure, about which it says something, and may be the program's status as well.
                let said = log.text()
                if status == 255, !said.isEmpty { throw await explain(said, opened: false, node, command) }
                return status
            }
        } catch let failure as ProgramFailure {
            throw TransportError(failure, node: node)
        }
    }
}

/// Where ssh writes its own words (`-E`), apart from those of the program on the node.
struct OpenSSHLog {
    let path: String

    /// - Throws: `OpenSSHFolderError`.
    init() throws {
        var template = Array("/tmp/sally-ssh-log.XXXXXXXX".utf8CString)
        let descriptor = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { mkstemp($0) } ?? -1
        }
        guard descriptor >= 0 else { throw OpenSSHFolderError(number: errno) }
        close(descriptor)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The last of it.
    func text() -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes = Array((bytes + buffer.prefix(count)).suffix(16384))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func remove() { unlink(path) }
}
