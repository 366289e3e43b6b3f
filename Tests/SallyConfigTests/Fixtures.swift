// SPDX-License-Identifier: Apache-2.0

/// Files with every key that there is.
enum Full {
    static let gateway = """
        listen: 0.0.0.0:8443
        tls: {certificate: /etc/sallyport/tls.pem, key: /etc/sallyport/tls.key}
        public_url: https://sally.example.org/
        trusted_proxies: [10.0.0.0/8, "fd00::/8"]
        database: /var/lib/sallyport/sallyd.db
        session_key: /etc/sallyport/session.key
        sessions: {life: 10m, refresh_life: 8h, refresh_grace: 20s}
        providers:
          - name: okta
            issuer: https://idp.example.org
            client_id: sallyport
            client_secret: {environment: SALLY_CLIENT_SECRET}
            ca_file: /etc/sallyport/ca.pem
            scopes: [openid, groups]
            subject_claim: oid
            name_claim: nickname
            groups_claim: roles
            allow_http_loopback: false
          - name: demo
            issuer: http://127.0.0.1:4593/api/oidc
            client_id: sallyport
            client_secret: {file: /etc/sallyport/demo-secret}
            allow_http_loopback: true
        administrators: [okta:hpc-admins, "okta:HPC Admins"]
        ledger_uids: 20000-29999
        clusters:
          - name: demo
            slurm_name: Demo_1
            slurmrestd: unix:/run/slurmrestd/slurmrestd.sock
            api_version: v0.0.42
            account_mode: controller
            profiles:
              - groups: [okta:gpu-users]
                profile: gpu
              - groups: [okta:hpc-users]
                profile: researcher
            default_profile: guest
            default_account: Research
            default_partition: debug
            exclusive_partitions: [gpu, long]
            job_defaults: DefCpuPerGPU=4
            memory_limits: MaxMemPerCPU=4000,DefMemPerCPU=2000
            whole_sockets: true
            whole_nodes: true
            service_account: sallyport
            output: false
            accounting: false
            min_job_age: 10m
            pending_jobs_on_offboarding: hold
            stale_limit: 5m
          - name: other
            slurmrestd: https://slurm.example.org:6820
            slurmrestd_ca_file: /etc/sallyport/ca.pem
            api_version: auto
            account_mode: none
            default_profile: guest
        signer_socket: /run/sallyport/signer.sock
        steward_socket: /run/sallyport/steward.sock
        policy: /etc/sallyport/policy.yaml
        admin_socket: /run/sallyport/admin.sock
        rate_limits: {sign_ins_per_minute: 5, failures_per_minute: 6, requests_per_minute: 7, concurrent_requests: 8}
        single_user: true
        """

    static let signer = """
        sockets:
          serve: {path: /run/s/serve.sock, peer: sallyd}
          steward: {path: /run/s/steward.sock, peer: 991}
          admin: /run/s/admin.sock
        state_folder: /var/lib/sallyport/signer
        clusters:
          - name: demo
            algorithm: RS256
            key: /etc/sallyport/demo.pem
            kid: k1
            uid_range: 20000-29999
            service_account: sally-service
            submit_life: 10s
            read_life: 30s
        limits: {per_name_per_minute: 60}
        single_user: false
        """

    static let steward = """
        sockets:
          serve: {path: /run/t/serve.sock, peer: sallyd}
          admin: /run/t/admin.sock
        signer_socket: /run/s/steward.sock
        state_folder: /var/lib/sallyport/steward
        clusters:
          - name: demo
            mode: everywhere
            transport:
              podman:
                controller: demo-controller
                nodes: {node001: demo-node001, node002: demo-node002}
            uid_range: 20000-29999
            homes: /shared/home
            shell: /bin/sh
            slurm_commands: /opt/slurm/bin
            profiles:
              researcher: {groups: [licences], accounts: [research]}
              gpu: {accounts: [research, gpu]}
            adopt_profile: researcher
            output: {enabled: true, limit: 256K}
          - name: lab
            mode: everywhere
            transport:
              openssh:
                login: keeper
                identity_file: /etc/sallyport/steward/key
                known_hosts: /etc/sallyport/steward/known_hosts
                controller: {address: 10.1.0.10, port: 2222}
                nodes: {node001: 10.1.0.11, storage: {address: "fd00::12"}}
                home_server: storage
            uid_range: 30000-39999
            profiles:
              student: {accounts: [teaching]}
        single_user: false
        """

    static let policy = """
        rules:
          - name: researchers
            effect: allow
            groups: [okta:hpc-users]
            clusters: [demo]
            partitions: [debug, long]
            accounts: any
            qos: [normal]
            reservations: any
            limits: {nodes: 2, cpus: 64, memory: 256G, gpus: 4, gpus_by_type: {a100: 2}, time: 1-12:00:00, array_tasks: 100}
          - name: frozen
            effect: deny
            everyone: true
            partitions: [long]
        """
}
