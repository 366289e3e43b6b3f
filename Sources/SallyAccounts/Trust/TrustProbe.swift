// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Functions of a probe that look at what ssh and scratch folders need. They change nothing.
enum TrustProbe {
    /// - Precondition: after `read_subjects`.
    static let library = #"""
        # usual_host_keys FOLDER: sshd_config(5) there names no host keys, as far as that can be told without asking sshd(8), which
        # takes longer than all else here.
        usual_host_keys() {
            local file line lines
            for file in "$1"/sshd_config "$1"/sshd_config.d/*.conf; do
                [ -e "$file" ] || [ "$file" != "$1/sshd_config" ] || return 1
                [ -e "$file" ] || continue
                mapfile -t lines <"$file" || return 1
                for line in "${lines[@]}"; do
                    case ${line,,} in
                    '#'* | "include ${1,,}/sshd_config.d/*.conf") ;;
                    *hostkey* | *include*) return 1 ;;
                    esac
                done
            done
        }
        probe_host_keys() {
            local said= file kind key address files=()
            usual_host_keys /etc/ssh || said=$'\n'$(sshd -T 2>/dev/null)
            while [[ $said == *$'\n'"hostkey "* ]]; do
                said=${said#*$'\n'"hostkey "}
                files+=("${said%%$'\n'*}.pub")
            done
            [ "${#files[@]}" -gt 0 ] || files=(/etc/ssh/ssh_host_*_key.pub)
            for file in "${files[@]}"; do
                [ -f "$file" ] && read -r kind key _ <"$file" && emit hostkey "$kind $key"
            done
            said=$(hostname -I 2>/dev/null || ip -o addr show scope global | awk '{ sub(/\/.*/, "", $4); print $4 }')
            for address in $said; do emit address "$address"; done
        }
        # probe_known CLUSTER: lines of ours.
        probe_known() {
            local line lines file=/etc/ssh/ssh_known_hosts ours=
            [ -f "$file" ] && mapfile -t lines <"$file" || return 0
            for line in "${lines[@]}"; do
                case $line in
                "# sallyport begin $1") ours=1 ;;
                "# sallyport end $1") ours= ;;
                '#'*) ;;
                *) [ -z "$ours" ] || printf 'known\t%s\n' "$line" ;;
                esac
            done
        }
        # probe_ssh MARK: what is in ~/.ssh. Nothing in it is followed, listed or waited for: whoever owns it may have put
        # anything there. What cannot be read is said, because unread is not empty: a file that is too large, has NUL bytes, or
        # more than 19 lines with the mark.
        probe_ssh() {
            local folders=() places=() files=() line size file said begun
            [ "${#homes[@]}" -gt 0 ] || return 0
            folders=("${homes[@]/%//.ssh}")
            places=("${folders[@]}" "${folders[@]/%//id_ed25519}" "${folders[@]/%//authorized_keys}")
            while IFS= read -r line; do
                case $line in
                file$'\t'*)
                    IFS=$'\t' read -r _ size file <<<"$line"
                    if [ "$size" -ge 262144 ]; then emit unread "${file%/.ssh/authorized_keys}"; else files+=("$file"); fi
                    ;;
                *) printf '%s\n' "$line" ;;
                esac
            done < <(in_parts places list_ssh 2>/dev/null)
            [ "${#files[@]}" -gt 0 ] || return 0
            begun=$SECONDS
            said=$(printf '%s\n' "${files[@]}" | marks 30 " $1") ||
                said=$(for file in "${files[@]}"; do
                    { [ $((SECONDS - begun)) -lt 40 ] && marks 2 " $1" <<<"$file"; } || printf 'unread\t%s\n' "$file"
                done)
            awk -F'\t' -v OFS='\t' '
                function unread(file) { sub(/\/\.ssh\/authorized_keys$/, "", file); print "unread", file }
                $1 == "unread" { unread($2); next }
                NF < 2 { next }
                NF > 2 || length($2) >= 20000 || ++lines[$1] > 19 { unread($1); next }
                { sub(/\/authorized_keys$/, "", $1); print "authorized", $1, $2 }' <<<"$said"
        }
        list_ssh() {
            find "$@" -maxdepth 0 \( -name .ssh -printf 'ssh\t%p\t%y\t%U\t%m\n' \
                -o -name id_ed25519 -type f -printf 'sshkey\t%h\n' \
                -o -name authorized_keys -type f -printf 'file\t%s\t%p\n' \)
        }
        # marks SECONDS TEXT: reads files and prints each with its lines that have TEXT, a plain word, and those that have NUL
        # bytes: these, and one behind the file, become tabs. grep(1) ends with 1 without any.
        marks() {
            xargs -r -d '\n' sh -c 'limit=$1 text=$2 nul=$3; shift 3
                timeout -k 1 "$limit" grep -asHZ -m 20 -D skip -e "$text" -e "$nul" -- "$@"; [ $? -le 1 ]' \
                sh "$1" "$2" $'[^\001-\377]' | tr '\t\0' ' \t'
            return "${PIPESTATUS[0]}"
        }
        # probe_paths: reads paths. Where a link leads is its owner's to choose, also with line ends in it.
        probe_paths() {
            local path paths=()
            while IFS= read -r path; do
                [ ! -e "$path" ] && [ ! -L "$path" ] || paths+=("$path")
            done
            in_parts paths list_paths 2>/dev/null
        }
        list_paths() {
            find "$@" -maxdepth 0 \( -lname "*[![:print:]]*" -printf "path\t%p\t%y\t%U\t%m\t?\n" \
                -o -printf "path\t%p\t%y\t%U\t%m\t%l\n" \)
        }

        """#
}
