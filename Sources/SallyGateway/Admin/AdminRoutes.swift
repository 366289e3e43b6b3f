// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallyWire

/// Administration, the same over a session and over the local socket.
struct AdminRoutes: Sendable {
    let admin: AdminService
    let audit: AuditService
    let offboarding: OffboardingService

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/v1/admin/identities") { _, context in
            try Response.json(
                try await admin.identities(for: try context.requester, request: context.requestID))
        }
        routes.post("/v1/admin/identities/:user/revoke") { _, context in
            try Response.json(
                try await admin.revoke(
                    try context.named("user"), for: try context.requester, request: context.requestID))
        }
        routes.post("/v1/admin/identities/:user/role") { request, context in
            let message = try await request.decode(RoleRequest.self, context)
            return try Response.json(
                try await admin.setRole(
                    message.role, of: try context.named("user"), for: try context.requester, request: context.requestID)
            )
        }
        routes.post("/v1/admin/identities/:user/offboard") { request, context in
            let message = try await request.decode(OffboardRequest.self, context)
            return try Response.json(
                try await offboarding.offboard(
                    try context.named("user"), pendingJobs: message.pendingJobs, for: try context.requester,
                    request: context.requestID))
        }
        routes.get("/v1/admin/sessions") { request, context in
            let user = try request.query("user").map { try UserName($0) }
            return try Response.json(
                try await admin.sessions(of: user, for: try context.requester, request: context.requestID))
        }
        routes.get("/v1/admin/audit") { request, context in
            let range = AuditService.Range(
                actor: try request.phrase("actor"), action: try request.phrase("action"),
                target: try request.phrase("target"), after: try request.number("after", 0...Int64.max),
                before: try request.number("before", 1...Int64.max), limit: try request.number("limit", 1...1000) ?? 100
            )
            return try Response.json(
                try await audit.page(range, for: try context.requester, request: context.requestID))
        }
        routes.get("/v1/admin/audit/verify") { _, context in
            try Response.json(try await audit.verify(for: try context.requester, request: context.requestID))
        }
    }
}

extension Request {
    /// A short text to look for.
    fileprivate func phrase(_ name: String) throws -> String? {
        guard let text = query(name) else { return nil }
        guard (1...200).contains(text.utf8.count) else {
            throw SallyError(.invalidRequest, "\(name) is empty or too long", hint: "1 to 200 characters")
        }
        return text
    }
}
