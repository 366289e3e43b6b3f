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
        # probe_ssh MARK: what is in ~/.ssh. Nothing in it is followed, listed or waited for: whoever owns it may have put
        # anything there. What cannot be read is said, because unread is not empty.
        probe_ssh() {
            local folders files file said begun
            folders=$(cut -f3 <<<"$subjects" | grep -vx -e - | sed 's,$,/.ssh,') || return 0
            xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 -printf "ssh\t%p\t%y\t%U\t%m\n"' sh <<<"$folders" 2>/dev/null
            sed 's,$,/id_ed25519,' <<<"$folders" |
                xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 -type f -printf "sshkey\t%h\n"' sh 2>/dev/null
            files=$(sed 's,$,/authorized_keys,' <<<"$folders" |
                xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 -type f -printf "%s\t%p\n"' sh 2>/dev/null)
            awk -F'\t' -v OFS='\t' '$1 >= 262144 { sub(/\/\.ssh\/authorized_keys$/, "", $2); print "unread", $2 }' <<<"$files"
            files=$(awk -F'\t' '$1 < 262144 { print $2 }' <<<"$files")
            [ -n "$files" ] || return 0
            begun=$SECONDS
            said=$(marks 30 " $1" <<<"$files") ||
                said=$(while IFS= read -r file; do
                    { [ $((SECONDS - begun)) -lt 40 ] && marks 2 " $1" <<<"$file"; } || printf 'unread\t%s\n' "$file"
                done <<<"$files")
            awk -F'\t' -v OFS='\t' 'NF == 2 && length($2) < 20000 {
                if ($1 == "unread") { sub(/\/\.ssh\/authorized_keys$/, "", $2); print "unread", $2 }
                else { sub(/\/authorized_keys$/, "", $1); print "authorized", $1, $2 } }' <<<"$said"
        }
        # marks SECONDS TEXT: reads files and prints each with its lines that have TEXT. grep(1) ends with 1 without any.
        marks() {
            xargs -r -d '\n' sh -c 'limit=$1 text=$2; shift 2
                timeout -k 1 "$limit" grep -sHZF -m 20 -D skip -e "$text" -- "$@"; [ $? -le 1 ]' sh "$1" "$2" | tr '\0' '\t'
            return "${PIPESTATUS[0]}"
        }
        # probe_paths: reads paths. Where a link leads is its owner's to choose, also with line ends in it.
        probe_paths() {
            xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 \( -lname "*[![:print:]]*" -printf "path\t%p\t%y\t%U\t%m\t?\n" \
                -o -printf "path\t%p\t%y\t%U\t%m\t%l\n" \)' sh 2>/dev/null
        }

        """#
}
