// SPDX-License-Identifier: Apache-2.0

/// Functions that write users' ~/.ssh and the system's known hosts.
///
/// A new home gets its ~/.ssh before anybody else can reach it. In a home that is there already only the user's own uid
/// writes: whatever links lie there, root follows none.
enum SSHScript {
    static let library = #"""
        declare -A ssh_rows=() ssh_done=()
        # read_ssh MARK: name, uid, home, from, private half, public half and key line of each user.
        read_ssh() {
            local row IFS=$'\n' -
            set -f
            ssh_mark=$1
            for row in $(</dev/stdin); do ssh_rows[${row%%$'\t'*}]=$row; done
        }
        # seed_ssh NAME FOLDER: into a home that nobody but root can reach. FOLDER/.ssh is there, and empty.
        seed_ssh() {
            local IFS=$'\t' -
            set -f
            [ -n "${ssh_rows[$1]-}" ] || return 0
            set -- "$2/.ssh" ${ssh_rows[$1]}
            local folder=$1 from=$5 private=$6 public=$7 line=$8
            [ "$private" != - ] || return 0
            printf '%b' "$private" >"$folder/id_ed25519" && printf '%s %s\n' "$public" "$ssh_mark:nodes" >"$folder/id_ed25519.pub" &&
                { printf 'from="%s" %s %s\n' "$from" "$public" "$ssh_mark:nodes"
                    [ "$line" = - ] || printf '%s %s\n' "$line" "$ssh_mark:key"; } >"$folder/authorized_keys" && ssh_done[$2]=1
        }
        # Runs as the user, in a home that is there. Says what is wrong, in one line.
        ssh_as_user='
            umask 077
            IFS=$'\''\t'\'' read -r name uid home from private public line
            mark=$1
            say() { printf "%s\n" "$1"; exit 1; }
            cd "$home" || exit 1
            [ ! -L .ssh ] || say "~/.ssh is a link; make it a folder"
            [ -d .ssh ] || mkdir -m 0700 .ssh || exit 1
            cd -P .ssh && [ "$PWD" = "$home/.ssh" ] && [ "$(stat -c %u .)" = "$uid" ] || say "~/.ssh is not a folder of the user"
            [ "$(stat -c %a .)" = 700 ] || chmod 0700 . || exit 1
            [ ! -L authorized_keys ] || say "~/.ssh/authorized_keys is a link; make it a file"
            [ ! -e authorized_keys ] || [ -f authorized_keys ] || say "~/.ssh/authorized_keys is not a file"
            put() {
                # Whatever cannot be kept, on a full disk perhaps, is not left out.
                { { [ ! -f authorized_keys ] || awk -v nodes="$1" -v key="$2" "
                        function ends(with) { return with != \"\" && substr(\$0, length(\$0) - length(with) + 1) == with }
                        !ends(nodes) && !ends(key)" authorized_keys; } &&
                    printf "%s\n" "$3"; } >authorized_keys.sally && mv -fT authorized_keys.sally authorized_keys || exit 1
            }
            # The key to sign in with first: what is wrong with the other keeps no old key alive.
            [ "$line" = - ] || put "" " $mark:key" "$line $mark:key"
            if [ "$private" != - ] && [ ! -e id_ed25519 ] && [ ! -L id_ed25519 ]; then
                printf "%b" "$private" >id_ed25519.sally && printf "%s %s\n" "$public" "$mark:nodes" >id_ed25519.pub &&
                    mv -nT id_ed25519.sally id_ed25519 && [ ! -e id_ed25519.sally ] || exit 1
            else
                [ -f id_ed25519 ] && [ ! -L id_ed25519 ] || say "~/.ssh/id_ed25519 is not a file"
                public=$(timeout 3 ssh-keygen -y -P "" -f id_ed25519 </dev/null 2>/dev/null | cut -d" " -f1,2) && [ -n "$public" ] ||
                    say "~/.ssh/id_ed25519 has a passphrase or is no key: without it nothing goes from node to node"
            fi
            put " $mark:nodes" "" "from=\"$from\" $public $mark:nodes"
        '
        # authorize_user UID ROW. The record's lock (9) is not the user's to hold.
        authorize_user() {
            printf '%s\n' "$2" | timeout -k 1 5 setpriv --reuid="$1" --regid="$1" --clear-groups --no-new-privs \
                env -i PATH="$PATH" LC_ALL=C bash -c "$ssh_as_user" ssh "$ssh_mark" 9>&-
        }
        authorize_users() {
            local name row uid home rest heard until=$((SECONDS + 40 + ${#ssh_rows[@]} / 20))
            for name in "${!ssh_rows[@]}"; do
                row=${ssh_rows[$name]}
                [ -z "${spoiled[$name]-}" ] || continue
                if [ -n "${ssh_done[$name]-}" ]; then
                    report ssh done "made with the home" "$name"
                    continue
                fi
                if [ "$SECONDS" -ge "$until" ]; then
                    spoil "$name" ssh "no time was left: others took it; ask again"
                    continue
                fi
                IFS=$'\t' read -r _ uid home rest <<<"$row"
                if hear authorize_user "$uid" "$row"; then
                    report ssh done "$home/.ssh" "$name"
                else
                    spoil "$name" ssh "${heard:-$home/.ssh could not be written}"
                fi
            done
        }
        # known_hosts CLUSTER: reads lines. What others wrote in that file stays.
        known_hosts() {
            local file=/etc/ssh/ssh_known_hosts begin="# sallyport begin $1" end="# sallyport end $1" now= new rows
            rows=$(</dev/stdin)
            if [ -L "$file" ] || { [ -e "$file" ] && [ ! -f "$file" ]; }; then
                report "known hosts" failed "$file is not a file"
                return
            fi
            [ ! -f "$file" ] || now=$(<"$file")
            new=$now
            case $'\n'$now$'\n' in *$'\n'"$begin"$'\n'*) new=$(sed "/^$begin\$/,/^$end\$/d" "$file") ;; esac
            [ -z "$rows" ] || new+=${new:+$'\n'}$begin$'\n'$rows$'\n'$end
            if [ "$now" = "$new" ]; then
                report "known hosts" unchanged "$file"
            elif { [ -d /etc/ssh ] || mkdir -p /etc/ssh; } && printf '%s\n' "$new" >"$file.sally" &&
                chmod 0644 "$file.sally" && mv -fT "$file.sally" "$file"; then
                report "known hosts" done "$file"
            else
                report "known hosts" failed "$file could not be written"
            fi
        }

        """#
}
