// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyModel

// A table: longer than a file usually is.
extension EndpointTable {
    /// API v1, with the pages of the sign-in and what watches the gateway.
    static let v1 = EndpointTable(signIn + own + jobs + cluster + administration + watching)

    private static let signIn: [Endpoint] = [
        Endpoint(
            method: .post, path: "/v1/auth/sign-in",
            summary: "Begin a sign-in for a program, which then sends a browser to /sign-in", access: .open,
            body: .json("SignInOpening"), answers: [.json("SignInOpened", "What the page is opened with")],
            refusals: [.denied, .unsupported]),
        Endpoint(
            method: .get, path: "/sign-in", summary: "The page that a browser opens to sign in", access: .open,
            query: [.init(name: "request", schema: "Text", text: "Of the answer to POST /v1/auth/sign-in")],
            answers: [.empty("To the identity provider", status: 302)], refusals: [.unsupported]),
        Endpoint(
            method: .get, path: "/sign-in/callback", summary: "Where the identity provider sends the browser back",
            access: .open,
            query: [
                .init(name: "state", schema: "Text", text: "Of the authorization request"),
                .init(name: "code", schema: "Text", text: "Authorization code"),
                .init(name: "iss", schema: "Text", text: "Issuer (RFC 9207)"),
                .init(name: "error", schema: "Text", text: "RFC 6749 section 4.1.2.1"),
            ],
            takesAnyQuery: true,
            answers: [
                .text(
                    "text/html", "A page that names who asked, with a code to type or a link to the loopback address"),
                .empty("To the loopback address, with an error", status: 302),
            ], refusals: [.denied, .unsupported, .timeout]),
        Endpoint(
            method: .post, path: "/v1/auth/token", summary: "Exchange a one-time code for a session", access: .open,
            body: .json("TokenRequest"), answers: [.json("TokenGrant", "A session")],
            refusals: [.unauthenticated, .denied, .unsupported]),
        Endpoint(
            method: .post, path: "/v1/auth/refresh", summary: "Refresh a session", access: .open,
            body: .json("RefreshTokenRequest"), answers: [.json("TokenGrant", "The session, with a new refresh token")],
            refusals: [.unauthenticated]),
        Endpoint(
            method: .post, path: "/v1/auth/logout", summary: "End this session", access: .session,
            answers: [.empty("Ended")]),
    ]

    private static let own: [Endpoint] = [
        Endpoint(
            method: .get, path: "/v1/me", summary: "Who I am, and which clusters there are", access: .session,
            answers: [.json("Me", "The caller")])
    ]

    private static let jobs: [Endpoint] = [
        Endpoint(
            method: .post, path: "/v1/clusters/{cluster}/jobs",
            summary:
                "Submit a job. With the header Idempotency-Key the same request makes one job, however often it comes",
            access: .session, body: .json("JobRequest"),
            answers: [
                .json("SubmitReply", "Slurm has the job", status: 201),
                .json(
                    "SubmitPending", "Not known yet whether Slurm has the job: ask again with the same key", status: 202
                ),
            ],
            refusals: [
                .limitExceeded, .notFound, .conflict, .keyReused, .slurmRefused, .timeout, .unsupported,
                .misconfigured,
            ]),
        Endpoint(
            method: .get, path: "/v1/clusters/{cluster}/jobs", summary: "My jobs", access: .session,
            query: [
                .init(name: "all", schema: "Flag", text: "With those that have finished"),
                .init(
                    name: "since", schema: "Timestamp", text: "Of those, from when on; absent: a day; at most 31 days"),
                .init(
                    name: "state", schema: "Text",
                    text: "Only in these states, in full or short, as in squeue(1): RUNNING,PD"),
                .init(name: "partition", schema: "Text", text: "Only of these partitions: one, or several with commas"),
                .init(name: "account", schema: "Text", text: "Only of these accounts, in any case"),
                .init(name: "name", schema: "Text", text: "Only with these names, exactly"),
                .init(name: "array", schema: "JobID", text: "Only this job, or the tasks of this array"),
                .init(
                    name: "sort", schema: "Text",
                    text:
                        "job (absent), name, partition, account, state, submitted, started, ended; -submitted: newest first"
                ),
                .init(name: "limit", schema: "Count", text: "Jobs of one page, 1 to 10000; absent: 1000"),
                .init(name: "cursor", schema: "Text", text: "`next` of the page before, with the same sort"),
                .init(name: "fields", schema: "Text", text: "Only these members of each job: id,states"),
            ],
            answers: [
                .json("JobList", "Jobs. \(age). ETag: of this page"),
                .empty("The page whose ETag If-None-Match says", status: 304),
            ], refusals: reading),
        Endpoint(
            method: .get, path: "/v1/clusters/{cluster}/job-events",
            summary: "What changes among my jobs, as it happens", access: .session,
            query: [.init(name: "job", schema: "JobID", text: "Only this job, or the tasks of this array")],
            answers: [
                .text(
                    "text/event-stream",
                    "Server-sent events: jobs (JobList: all of them), job (JobView: new or changed), gone (JobGone), age (QueueAge). Come back with Last-Event-ID"
                )
            ], refusals: reading),
        Endpoint(
            method: .get, path: "/v1/clusters/{cluster}/jobs/{job}", summary: "One of my jobs, or a part of one",
            access: .session, parts: ["job": "JobName"],
            answers: [.json("JobView", "The job. \(age); neither where accounting tells of it")],
            refusals: reading + [.conflict, .tooLarge]),
        Endpoint(
            method: .delete, path: "/v1/clusters/{cluster}/jobs/{job}",
            summary: "End one of my jobs or a part of it, or signal it", access: .session, parts: ["job": "JobTarget"],
            query: [.init(name: "signal", schema: "Text", text: "As scancel(1) --signal; absent: end it")],
            answers: [.empty("It is ending; or the signal was sent")],
            refusals: reading + [.conflict]),
        Endpoint(
            method: .get, path: "/v1/clusters/{cluster}/jobs/{job}/output", summary: "What one of my jobs wrote",
            access: .session, parts: ["job": "JobTarget"],
            query: [
                .init(name: "stream", schema: "Stream", text: "Absent: stdout"),
                .init(name: "offset", schema: "Bytes", text: "Where to begin; absent: 0"),
                .init(name: "limit", schema: "Bytes", text: "At most so many, up to 1048576; absent: 65536"),
            ],
            answers: [.json("OutputView", "A piece")], refusals: reading + [.conflict, .tooLarge]),
    ]

    private static let cluster: [Endpoint] = [
        Endpoint(
            method: .post, path: "/v1/clusters/{cluster}/can-i", summary: "What would happen to a job, and why",
            access: .session, body: .json("JobRequest"), answers: [.json("CanIReply", "The decision")],
            refusals: reading),
        Endpoint(
            method: .get, path: "/v1/clusters/{cluster}/partitions", summary: "Partitions", access: .session,
            answers: [.json("PartitionList", "Partitions. \(age)")], refusals: reading),
        Endpoint(
            method: .get, path: "/v1/clusters/{cluster}/nodes", summary: "Nodes", access: .session,
            answers: [.json("NodeList", "Nodes. \(age)")], refusals: reading),
    ]

    private static let administration: [Endpoint] = [
        Endpoint(
            method: .get, path: "/v1/admin/identities", summary: "Everybody who ever signed in", access: .administrator,
            answers: [.json("IdentityList", "Identities")]),
        Endpoint(
            method: .post, path: "/v1/admin/identities/{user}/revoke", summary: "End every session of a person",
            access: .administrator, answers: [.json("RevokeReply", "How many ended")], refusals: [.notFound]),
        Endpoint(
            method: .post, path: "/v1/admin/identities/{user}/role", summary: "Grant or withdraw administration",
            access: .administrator, body: .json("RoleRequest"), answers: [.json("IdentityView", "The person now")],
            refusals: [.notFound, .conflict]),
        Endpoint(
            method: .post, path: "/v1/admin/identities/{user}/offboard",
            summary: "End everything a person can do; the same again finishes what failed", access: .administrator,
            body: .json("OffboardRequest"), answers: [.json("OffboardReport", "Each step")], refusals: [.notFound]),
        Endpoint(
            method: .get, path: "/v1/admin/sessions", summary: "Sessions", access: .administrator,
            query: [.init(name: "user", schema: "UserName", text: "Whose; absent: everybody's")],
            answers: [.json("SessionList", "Sessions")]),
        Endpoint(
            method: .get, path: "/v1/admin/audit", summary: "The audit chain, newest first", access: .administrator,
            query: [
                .init(name: "actor", schema: "Text", text: "Only of this actor, such as person:7:alice"),
                .init(name: "action", schema: "Text", text: "Only this action, such as job.submit"),
                .init(name: "target", schema: "Text", text: "Only with this target"),
                .init(name: "after", schema: "Sequence", text: "Only events later than this one"),
                .init(name: "before", schema: "Sequence", text: "Only events earlier than this one: the page's next"),
                .init(name: "limit", schema: "Count", text: "1 to 1000; absent: 100"),
            ],
            answers: [.json("AuditPage", "Events")]),
        Endpoint(
            method: .get, path: "/v1/admin/audit/verify",
            summary: "Hold the audit chain against what the signer kept", access: .administrator,
            answers: [.json("AuditVerification", "What was found")], refusals: [.timeout]),
    ]

    private static let watching: [Endpoint] = [
        Endpoint(
            method: .get, path: "/v1/openapi.json", summary: "This document", access: .open,
            answers: [.text("application/json", "OpenAPI 3.1")]),
        Endpoint(
            method: .get, path: "/healthz", summary: "Whether the gateway runs", access: .open,
            answers: [.text("text/plain", "It does")]),
        Endpoint(
            method: .get, path: "/readyz", summary: "Whether it can do its work, cluster by cluster", access: .open,
            answers: [
                .json("Readiness", "It can"), .json("Readiness", "It cannot, and where", status: 503),
            ]),
        Endpoint(
            method: .get, path: "/metrics", summary: "Figures for Prometheus", access: .host,
            answers: [.text("text/plain", "Text format 0.0.4")]),
    ]

    private static let age =
        "Age: seconds since Slurm was asked. Sallyport-Stale: true while Slurm does not answer"

    private static let reading: [SallyError.Code] = [.notFound, .slurmRefused, .timeout, .misconfigured, .unsupported]
}
