// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import SallyModel
import SlurmModel
import StrictJSON

/// A Slurm token on its way into one header. It lives inside the gateway and nowhere else.
package struct SlurmToken: Sendable {
    /// `sun`: whom the token names.
    package let user: String
    package let value: Secret<String>

    package init(user: String, value: Secret<String>) {
        self.user = user
        self.value = value
    }
}

/// One request to slurmrestd and its answer.
struct SlurmExchange: Sendable {
    let address: SlurmrestdAddress
    /// Keeps connections.
    let reading: HTTPClient
    /// Keeps others, which are not for everybody: `SlurmConnections`.
    let keeping: HTTPClient
    /// Keeps none.
    let changing: HTTPClient
    /// For `https`; nil trusts the system's authorities.
    let tls: TLSConfiguration?
    let breaker: CircuitBreaker
    let logger: Logger
    /// Of lists that are taken apart while they come.
    var bounds = JSONListBounds()
    var reader = Reader.anybody

    /// On whose connections reads go out.
    enum Reader: Sendable {
        case anybody, keeper
    }

    struct Call: Sendable {
        var method: HTTPMethod
        /// Built from checked names and numbers only.
        var path: String
        /// Canonical JSON of our own; nil sends none. slurmrestd reads the query as the object where a body is missing.
        var body: [UInt8]?
        var deadline: Duration
        /// The most bytes of an answer.
        var limit: Int
        /// Whether `X-SLURM-USER-NAME` is sent beside the token: v0.0.36 to v0.0.38 insist on it.
        var namesUser: Bool
        var purpose = CircuitBreaker.Purpose.work

        /// Asks for a sign of life of this version.
        static func ping(_ version: APIVersion, deadline: Duration) -> Call {
            Call(
                method: .GET, path: "/slurm/\(version)/ping", body: nil, deadline: deadline,
                limit: SlurmClient.Bound.small, namesUser: version.namesUser, purpose: .look)
        }

        var timeLimit: TimeAmount {
            .nanoseconds(deadline.components.seconds * 1_000_000_000 + deadline.components.attoseconds / 1_000_000_000)
        }
    }

    /// An answer that is JSON, whatever its status.
    struct Answer: Sendable {
        var status: Int
        var json: JSONValue
    }

    /// - Throws: `SlurmError`. What may change something is sent once, on a connection of its own: on a kept one that is ending
    ///   in this very moment nobody would know whether the request arrived. A GET is sent a second time where the connection
    ///   ended: slurmrestd closes connections as it likes, and is restarted when it has leaked enough. A daemon that has not
    ///   answered for a while is not asked (`CircuitBreaker`).
    func send(_ call: Call, token: SlurmToken) async throws(SlurmError) -> Answer {
        try await admitted(call) { () async throws(SlurmError) in try await exchange(call, token: token) }
    }

    /// Runs `body`, which makes the call, unless the daemon has been silent for a while; and remembers how it ended.
    func admitted<Value>(
        _ call: Call, _ body: () async throws(SlurmError) -> Value
    ) async throws(SlurmError) -> Value {
        let admission = breaker.admit(call.purpose)
        if case .refused(let why) = admission.kind {
            throw .unreachable(reason: "it has not answered for a while and is not asked just now: \(why)")
        }
        do throws(SlurmError) {
            let answer = try await body()
            tell(breaker.ended(.answered, admission))
            return answer
        } catch {
            tell(breaker.ended(Task.isCancelled ? .abandoned : error.signOfLife, admission))
            throw error
        }
    }

    private func tell(_ change: CircuitBreaker.Change?) {
        switch change {
        case .doesNotAnswer(let why):
            logger.warning("slurmrestd does not answer and is asked seldom", metadata: ["cause": "\(why)"])
        case .answersAgain: logger.info("slurmrestd answers again")
        case nil: break
        }
    }

    private func exchange(_ call: Call, token: SlurmToken) async throws(SlurmError) -> Answer {
        let request = request(call, token)
        let (status, bytes): (Int, [UInt8])
        do throws(SlurmError) {
            (status, bytes) = try await execute(request, call)
        } catch {
            guard call.method == .GET, case .badReply(nil, SlurmExchange.ended) = error else { throw error }
            (status, bytes) = try await execute(request, call)
        }
        return try answer(status, bytes, call)
    }

    func request(_ call: Call, _ token: SlurmToken) -> HTTPClientRequest {
        var request = address.request(call.path)
        request.method = call.method
        request.tlsConfiguration = tls
        if call.method != .GET { request.headers.replaceOrAdd(name: "Connection", value: "close") }
        request.headers.replaceOrAdd(name: "X-SLURM-USER-TOKEN", value: token.value.reveal())
        if call.namesUser { request.headers.replaceOrAdd(name: "X-SLURM-USER-NAME", value: token.user) }
        request.headers.replaceOrAdd(name: "Accept", value: "application/json")
        if let body = call.body {
            request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return request
    }

    private func execute(_ request: HTTPClientRequest, _ call: Call) async throws(SlurmError) -> (Int, [UInt8]) {
        try await guarded(call) {
            var bytes: [UInt8] = []
            let status = try await receive(request, call) { bytes.append(contentsOf: $1.readableBytesView) }
            return (status, bytes)
        }
    }

    /// Passes on the body while it comes, up to the call's limit and deadline.
    /// - Returns: the status.
    func receive(
        _ request: HTTPClientRequest, _ call: Call, _ take: (_ status: Int, ByteBuffer) throws -> Void
    ) async throws -> Int {
        let end = NIODeadline.now() + call.timeLimit
        let response = try await client(for: call).execute(request, deadline: end)
        let status = Int(response.status.code)
        try SlurmExchange.checkStatus(status)
        var count = 0
        // AsyncHTTPClient's deadline ends with the head; a pause within the body ends at its read time-out.
        for try await part in response.body {
            guard NIODeadline.now() < end else { throw HTTPClientError.deadlineExceeded }
            count += part.readableBytes
            guard count <= call.limit else { throw NIOTooManyBytesError(maxBytes: call.limit) }
            try take(status, part)
        }
        return status
    }

    private func client(for call: Call) -> HTTPClient {
        guard call.method == .GET else { return changing }
        return switch (reader, call.purpose) {
        case (.keeper, _), (_, .look): keeping
        case (.anybody, .work): reading
        }
    }

    /// What goes wrong on the way, as what it means for the request.
    func guarded<Value>(_ call: Call, _ body: () async throws -> Value) async throws(SlurmError) -> Value {
        do {
            return try await body()
        } catch let error as SlurmError {
            throw error
        } catch let error as HTTPClientError {
            throw SlurmExchange.translate(error)
        } catch is NIOTooManyBytesError {
            throw SlurmError.badReply(status: nil, reason: "more than \(call.limit) bytes")
        } catch is CancellationError {
            throw SlurmError.timeout(sent: .maybeDone)
        } catch is NIOConnectionError {
            throw SlurmError.unreachable(reason: "no connection")
        } catch let error where error is NIOSSLExtraError || error is BoringSSLError {
            throw SlurmError.unreachable(reason: "no secure connection: \(error)")
        } catch NIOSSLError.handshakeFailed(let why) {
            throw SlurmError.unreachable(reason: "no secure connection: \(why)")
        } catch let error as IOError where SlurmExchange.meansNobodyListens(error.errnoCode) {
            throw SlurmError.unreachable(reason: "\(error)")
        } catch {
            throw SlurmError.badReply(status: nil, reason: "the connection ended: \(error)")
        }
    }

    private static func translate(_ error: HTTPClientError) -> SlurmError {
        switch error {
        case .connectTimeout: .timeout(sent: .neverSent)
        case .getConnectionFromPoolTimeout: .noFreeConnection
        case .deadlineExceeded, .readTimeout, .cancelled: .timeout(sent: .maybeDone)
        case .remoteConnectionClosed: .badReply(status: nil, reason: ended)
        default: .badReply(status: nil, reason: "\(error.shortDescription)")
        }
    }

    static let ended = "the connection ended before the answer"

    /// ENOENT, EACCES, ECONNREFUSED: no request was ever sent.
    private static func meansNobodyListens(_ number: Int32) -> Bool { [2, 13, 111].contains(number) }

    private func answer(_ status: Int, _ bytes: [UInt8], _ call: Call) throws(SlurmError) -> Answer {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes, limits: JSONLimits(maximumBytes: call.limit, maximumDepth: 64))
        } catch {
            throw SlurmExchange.noJSON(status, error, begins: bytes.prefix(120))
        }
        guard json.object != nil else {
            throw .badReply(status: status, reason: "\(json.kind) where an object belongs")
        }
        return Answer(status: status, json: json)
    }

    static func checkStatus(_ status: Int) throws(SlurmError) {
        guard !(300...399).contains(status) else {
            throw .badReply(status: status, reason: "a redirection, which slurmrestd never sends")
        }
    }

    static func noJSON(_ status: Int, _ error: JSONError, begins: some Sequence<UInt8>) -> SlurmError {
        let start = String(decoding: Array(begins), as: UTF8.self)
        if status == 401 || start.contains("Authentication") {
            return .authentication(reason: "slurmrestd: \(quoted(start))")
        }
        return .badReply(status: status, reason: "\(error); it begins \(quoted(start))")
    }
}
