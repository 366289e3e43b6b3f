// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Functions of a probe that look at what ssh and scratch folders need. They change nothing.
enum TrustProbe {
    /// - Precondition: after `read_subjects`.
    static let library = #"""
        probe_host_keys() {
            local file kind key files
            files=$(sshd -T 2>/dev/null | awk '$1 == "hostkey" { print $2 ".pub" }')
            [ -n "$files" ] || files=$(printf '%s\n' /etc/ssh/ssh_host_*_key.pub)
            while IFS= read -r file; do
                [ -f "$file" ] && read -r kind key _ <"$file" && emit hostkey "$kind $key"
            done <<<"$files"
            { hostname -I 2>/dev/null || ip -o addr show scope global | awk '{ sub(/\/.*/, "", $4); print $4 }'; } | tr ' ' '\n' |
                awk -v OFS='\t' 'NF { print "address", $1 }'
        }
        # probe_known CLUSTER: lines of ours.
        probe_known() {
            sed -n "/^# sallyport begin $1\$/,/^# sallyport end $1\$/{/^#/!s/^/known\t/p}" /etc/ssh/ssh_known_hosts 2>/dev/null
        }
        # probe_ssh MARK: what is in ~/.ssh. No link is followed, and no device or pipe is read: find(1) and grep(1) see to it.
        probe_ssh() {
            local folders
            folders=$(cut -f3 <<<"$subjects" | grep -vx -e - | sed 's,$,/.ssh,') || return 0
            xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 -printf "ssh\t%p\t%y\t%U\t%m\n"' sh <<<"$folders" 2>/dev/null
            xargs -r -d '\n' sh -c 'find "$@" -maxdepth 1 -name id_ed25519 -type f -printf "sshkey\t%h\n"' sh <<<"$folders" 2>/dev/null
            folders=$(xargs -r -d '\n' sh -c 'find "$@" -maxdepth 1 -name authorized_keys -type f -printf "%p\n"' sh <<<"$folders" 2>/dev/null)
            xargs -r -d '\n' timeout 30 grep -sHZF -m 20 -D skip -e " $1" -- <<<"$folders" | tr '\0' '\t' |
                awk -F'\t' -v OFS='\t' 'NF == 2 && length($2) < 20000 { sub(/\/authorized_keys$/, "", $1); print "authorized", $1, $2 }'
        }
        # probe_paths: reads paths.
        probe_paths() {
            xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 -printf "path\t%p\t%y\t%U\t%m\t%l\n"' sh 2>/dev/null
        }

        """#
}
