// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Names that belong to a distribution, to a daemon or to Unix itself. What a node has besides is found on the node.
enum SystemAccounts {
    static func contains(_ name: String) -> Bool {
        UserName.reserved.contains(name) || others.contains(name)
            || prefixes.contains { name.hasPrefix($0) }
    }

    private static let prefixes = ["systemd-", "_"]

    /// Accounts and groups of Debian's base-passwd and common packages, of Red Hat's and SUSE's, and images' first users.
    private static let others: Set<String> = [
        "alma", "almalinux", "apache", "arch", "audio", "avahi", "azureuser", "bind", "cdrom", "centos", "ceph",
        "chrony",
        "cloud-user", "cockpit-ws", "colord", "core", "couchdb", "crontab", "dbus", "dialout", "dip", "dnsmasq",
        "dovecot",
        "elasticsearch", "etcd", "exim", "fax", "fedora", "floppy", "ftp", "fwupd-refresh", "gdm", "geoclue", "gluster",
        "grafana", "haldaemon", "halt", "haproxy", "hplip", "influxdb", "input", "kernoops", "kmem", "ldap", "libvirt",
        "libvirt-qemu", "lightdm", "lxd", "maildrop", "memcache", "memcached", "mongodb", "nagios", "named", "netdev",
        "nfsnobody", "nginx", "nm-openvpn", "ntp", "opc", "openldap", "oprofile", "oracle", "pbs", "plugdev", "podman",
        "postdrop", "postfix", "prometheus", "proftpd", "pulse", "rabbitmq", "redis", "render", "rocky", "rpc",
        "rpcuser",
        "rtkit", "saned", "sasl", "saslauth", "sddm", "sge", "sgeadmin", "sgx", "shutdown", "src", "ssh", "ssl-cert",
        "statd", "stunnel4", "suse", "tape", "tcpdump", "tftp", "tomcat", "torque", "trusted", "tss", "unbound",
        "unscd",
        "users", "uuidd", "usbmux", "vagrant", "video", "voice", "whoopsie", "xrdp", "zabbix",
    ]
}
