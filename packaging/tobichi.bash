# Bash completion for tobichi(1). Commands and options come from the program's own help,
# so that there is no second list of them.
_tobichi()
{
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words
	if [ "$COMP_CWORD" -eq 1 ] || [ "$command" = help ]; then
		words=$(tobichi help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p')
		COMPREPLY=($(compgen -W "$words" -- "$word"))
		return
	fi
	case $command in
	stop | logs | attest)
		if [ "${word#-}" = "$word" ]; then
			words=$(tobichi ps 2>/dev/null | awk 'NR > 1 { print $1, $2 }')
			COMPREPLY=($(compgen -W "$words" -- "$word"))
			return
		fi
		;;
	platform)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "init status anchor csr certify migrate ak-request ak-challenge ak-activate" -- "$word"))
			return
		fi
		;;
	broker)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "init serve status rotate-keys" -- "$word"))
			return
		fi
		;;
	owner)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "add list remove add-key remove-key add-repository remove-repository whoami" -- "$word"))
			return
		fi
		;;
	secret)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "put rotate list delete show-policy put-policy delete-policy" -- "$word"))
			return
		fi
		;;
	log)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "prove verify follow evidence retention" -- "$word"))
			return
		fi
		;;
	collateral)
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "show fetch bundle update" -- "$word"))
			return
		fi
		;;
	esac
	if [ "${word#-}" != "$word" ]; then
		words=$(tobichi help "$command" 2>/dev/null | grep -o -- '--[a-z][a-z-]*' | sort -u)
		COMPREPLY=($(compgen -W "$words" -- "$word"))
		return
	fi
	COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _tobichi tobichi
