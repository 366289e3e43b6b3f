// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import SallyKeepProtocol
import SallyModel
import SallyWire

/// A page of jobs, as it goes over the wire. Nothing in it says when it was made, so that equal pages have equal tags.
struct JobPage: Sendable {
    /// `JobList`
    let body: ByteBuffer
    /// RFC 9110 section 8.8.3, quotes included.
    let tag: String

    /// - Parameters:
    ///   - jobs: in any order.
    ///   - omitted: how many of accounting's are not among them.
    init(_ jobs: [QueuedJob], _ query: JobQuery, omitted: Int = 0) {
        var chosen = jobs
        if !query.order.isByJob || query.after != nil || jobs.count > query.limit {
            var keyed = jobs.map { (key: query.order.key($0), job: $0) }
            if let after = query.after { keyed.removeAll { !after.key.precedes($0.key, query.order) } }
            keyed.sort { $0.key.precedes($1.key, query.order) }
            chosen = keyed.map(\.job)
        }
        var next: String?
        if chosen.count > query.limit {
            chosen.removeSubrange(query.limit...)
            next = chosen.last.map { JobCursor(key: query.order.key($0)).text(query.order) }
        }
        body = JobPage.body(chosen, next, query.fields, omitted)
        tag = JobPage.tag(body.readableBytesView)
    }

    /// All of them, without a tag.
    static func whole(_ jobs: [QueuedJob]) -> ByteBuffer { body(jobs, nil, nil, 0) }

    private static func body(
        _ jobs: [QueuedJob], _ next: String?, _ fields: Set<JobView.CodingKeys>?, _ omitted: Int
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(jobs.reduce(64) { $0 + $1.json.count + 1 })
        bytes.writeStaticString("{\"jobs\":[")
        for (index, job) in jobs.enumerated() {
            if index > 0 { bytes.writeStaticString(",") }
            bytes.writeBytes(fields.map { JobJSON.bytes(job.view, only: $0) } ?? job.json)
        }
        bytes.writeStaticString("]")
        // base64url: nothing to escape.
        if let next { bytes.writeString(",\"next\":\"\(next)\"") }
        if omitted > 0 { bytes.writeString(",\"omitted\":\(omitted)") }
        bytes.writeStaticString("}")
        return bytes
    }

    static func tag(_ bytes: some Sequence<UInt8>) -> String {
        var hash = SHA256()
        if bytes.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
            hash.update(data: Array(bytes))
        }
        return "\"\(Base64.url.encode(hash.finalize().prefix(16)))\""
    }

    /// Whether a client that sends `If-None-Match` has it already (RFC 9110 section 13.1.2).
    func isKnown(by conditions: [String]) -> Bool {
        conditions.contains { line in
            line.split(separator: ",").contains { word in
                let word = word.drop { $0 == " " }.prefix { $0 != " " }
                return word == "*" || word == tag || word.hasPrefix("W/") && word.dropFirst(2) == tag
            }
        }
    }
}

/// Where a page ends: the next one begins after it, whatever has come or gone meanwhile.
struct JobCursor: Sendable, Equatable {
    let key: JobOrder.Key

    /// Bytes: four for every three of two texts and what stands before them.
    private static let longest = 1024

    /// No longer than what `init` takes: a key's texts are short.
    func text(_ order: JobOrder) -> String {
        Base64.url.encode(
            Array("1 \(order.text) \(key.number) \(key.job.rawValue) \(key.displayID) \(key.text)".utf8))
    }

    /// - Throws: `.invalidRequest` for what is no cursor of a list in this order.
    init(_ text: String, _ order: JobOrder) throws {
        let bytes = text.utf8.count <= JobCursor.longest ? Base64.url.decode(text) : nil
        // At bytes: a job's name may begin with what would join the space before it to one character.
        let parts = bytes.flatMap { String(validating: $0, as: UTF8.self) }?.utf8
            .split(separator: 0x20, maxSplits: 5, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let parts, parts.count == 6, parts[0] == "1", parts[1] == order.text, let number = Int64(parts[2]),
            let raw = UInt32(parts[3]), let job = JobID(rawValue: raw)
        else {
            throw SallyError(
                .invalidRequest, "the cursor is not valid", hint: "pass `next` of a page, with the same `sort`")
        }
        key = JobOrder.Key(number: number, text: parts[5], job: job, displayID: parts[4])
    }

    init(key: JobOrder.Key) { self.key = key }
}
