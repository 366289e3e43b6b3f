// SPDX-License-Identifier: Apache-2.0

/// The files that `sallyd config init` writes: commented, valid, and true to its arguments.
///
/// The caller writes them with mode 0640 or less and makes the keys that they name.
package struct StarterConfig: Sendable {
    package var cluster: String
    package var slurmrestd: String
    package var issuer: String
    /// Where the files are going to be, such as `/etc/sallyport`.
    package var folder: String
    /// Where databases and records are going to be, such as `/var/lib/sallyport`.
    package var state: String
    /// Where sockets are going to be, such as `/run/sallyport`.
    package var run: String

    package init(
        cluster: String = "main", slurmrestd: String, issuer: String, folder: String = "/etc/sallyport",
        state: String = "/var/lib/sallyport", run: String = "/run/sallyport"
    ) {
        self.cluster = cluster
        self.slurmrestd = slurmrestd
        self.issuer = issuer
        self.folder = folder
        self.state = state
        self.run = run
    }

    /// One file: its name within `folder`, and its text.
    package struct File: Sendable, Equatable {
        package var name: String
        package var text: String
    }

    /// The private keys and secrets that the files name and that the caller has to make.
    package var keys: [String] {
        ["\(folder)/session.key", "\(folder)/signer/\(cluster).key", "\(folder)/client-secret"]
    }

    package func files() -> [File] {
        [
            File(name: "sallyd.yaml", text: gateway), File(name: "policy.yaml", text: policy),
            File(name: "signer.yaml", text: signer), File(name: "steward.yaml", text: steward),
        ]
    }

    private var gateway: String {
        """
        # sallyd serve: the gateway. Every key is in docs/config.md; `sallyd config check` reads this file as serve does.

        # Plain HTTP is allowed on a loopback address or unix:/PATH. For anything else:
        #   tls: {certificate: \(folder)/tls.pem, key: \(folder)/tls.key}
        listen: 127.0.0.1:8080
        public_url: http://127.0.0.1:8080

        database: \(state)/serve/sallyd.db
        session_key: \(folder)/session.key
        policy: \(folder)/policy.yaml
        signer_socket: \(run)/signer/serve.sock
        steward_socket: \(run)/steward/serve.sock
        admin_socket: \(run)/serve/admin.sock

        # The identity provider. Its groups become company:NAME in the policy.
        providers:
          - name: company
            issuer: \(quotedYAML(issuer))
            client_id: sallyport
            client_secret: {file: \(folder)/client-secret}
        administrators: [company:hpc-admins]

        # uids for people, given out once each and never again. Must not overlap with your directory's.
        ledger_uids: 20000-29999

        clusters:
          - name: \(cluster)
            slurmrestd: \(quotedYAML(slurmrestd))
            # everywhere, controller, none or directory: who must know a user's account.
            account_mode: everywhere
            # The first entry whose groups a person is in; the steward's file says what the profile gives.
            profiles:
              - groups: [company:hpc-users]
                profile: researcher
            # The partition of jobs that name none. slurmrestd says which is slurm.conf's Default=YES in v0.0.38 and from
            # v0.0.45 on alone: with v0.0.40 to v0.0.44 (Slurm 23.11 to 25.11) jobs that name none are refused without this.
            # default_partition: debug

        """
    }

    private var policy: String {
        """
        # Who may do what where. What no rule allows is refused, and a deny rule wins over every allow rule.
        # docs/policy.schema.json describes this file; SIGHUP reloads it, and a broken file changes nothing.
        rules:
          - name: researchers
            effect: allow
            groups: [company:hpc-users]
            clusters: [\(cluster)]
            partitions: [debug]
            accounts: [research]
            # For one job; for an array, for each of its tasks.
            limits:
              nodes: 2
              cpus: 64
              memory: 256G
              gpus: 0
              time: 12h
              array_tasks: 1000

        """
    }

    private var signer: String {
        """
        # sallyd signer: holds the cluster's key and mints tokens. Runs as an OS user of its own.
        sockets:
          serve: {path: \(run)/signer/serve.sock, peer: sallyd}
          # The OS user of `sallyd steward`: root for `transport: local`.
          steward: {path: \(run)/signer/steward.sock, peer: root}
          admin: \(run)/signer/admin.sock
        state_folder: \(state)/signer
        clusters:
          - name: \(cluster)
            # RS256 with jwks= in slurm.conf is the better choice; HS256 shares the key with slurmctld.
            algorithm: RS256
            kid: sallyport-1
            key: \(folder)/signer/\(cluster).key
            uid_range: 20000-29999

        """
    }

    private var steward: String {
        """
        # sallyd steward: holds the way onto the nodes and makes accounts. Runs as root for `transport: local`, over OpenSSH as an
        # OS user of its own, which signer.yaml names as a peer.
        sockets:
          serve: {path: \(run)/steward/serve.sock, peer: sallyd}
          admin: \(run)/steward/admin.sock
        signer_socket: \(run)/signer/steward.sock
        state_folder: \(state)/steward
        clusters:
          - name: \(cluster)
            mode: everywhere
            # This host is the whole cluster. Machines over OpenSSH, and containers: transport in docs/config.md.
            transport: local
            uid_range: 20000-29999
            homes: /home
            profiles:
              researcher:
                groups: []
                accounts: [research]

        """
    }
}

/// `text` in double quotes for YAML.
private func quotedYAML(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case _ where scalar.value < 0x20 || scalar.value == 0x7f:
            let digits = String(scalar.value, radix: 16)
            result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
