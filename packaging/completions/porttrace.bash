# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of porttrace for bash 4 and later; needs nothing of bash-completion.
# The options here are held against the program's table (user/option_table.c, by way
# of options_list()) by tests/unit/test_options_help.c: one that is missing here, or that
# the program does not have, fails the test.
# shellcheck shell=bash

# The words of $2 that fit $1.
_porttrace_words() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
}

# The same for the last item of a list with commas; none is offered twice.
_porttrace_list() {
	local given="" last=$1 rest="" word

	if [[ $1 == *,* ]]; then
		given=${1%,*},
		last=${1##*,}
	fi
	for word in $2; do
		[[ ,$given == *",$word,"* ]] || rest+=" $word"
	done
	mapfile -t COMPREPLY < <(compgen -P "$given" -W "$rest" -- "$last")
	compopt -o nospace
}

# The value of option $1, of which $2 is there.
_porttrace_value() {
	case $1 in
	-e | --event)
		_porttrace_list "$2" "bind listen connect accept flow close state open"
		;;
	--color)
		_porttrace_words "$2" "auto always never"
		;;
	-o | --output | --metrics-file | --config)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$2")
		;;
	--netns)
		_porttrace_words "$2" "self $(ls /run/netns 2>/dev/null)"
		;;
	--hooks)
		_porttrace_words "$2" "auto functions calls"
		;;
	--ring-size)
		_porttrace_words "$2" "1M 2M 4M 8M 16M 32M 64M"
		;;
	--rotate-size)
		_porttrace_words "$2" "1M 10M 100M 1G"
		;;
	-p | --pid | --comm | --container | -P | --port | --local-port | --remote-port | --net | \
		--rotate-keep | --count | --duration | --timeout | --flush-interval)
		;;
	*)
		return 1
		;;
	esac
}

# The options of command $1, "" the one without a name, as in user/command.c.
_porttrace_options() {
	local filters="-p --pid --comm --user --container --netns -P --port --local-port --remote-port
		--net -4 -6 -t --tcp -u --udp"
	local texts="--json -o --output --wide -n --numeric --utc --color --args"
	local logs="--rotate-size --rotate-keep --metrics-file"

	case $1 in
	"")
		echo "$filters -e --event --failed $texts $logs --snapshot --count --duration
			--ring-size --flush-interval --hooks --config"
		;;
	run)
		echo "$filters -e --event --failed $texts $logs --ring-size --flush-interval --hooks"
		;;
	doctor)
		echo "--json --hooks"
		;;
	who)
		echo "--netns -4 -6 -t --tcp -u --udp ${texts/ --args/}"
		;;
	wait)
		echo "--netns -4 -6 -t --tcp -u --udp --taken --free --timeout ${texts/ --args/}"
		;;
	list)
		echo "$filters --listening $texts"
		;;
	esac
	echo "-q --quiet -v --verbose -V --version -h --help"
}

_porttrace_commands="run list who wait doctor help"

# The first word that is one of the commands.
_porttrace_command() {
	local word

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ " $_porttrace_commands " == *" $word "* ]]; then
			echo "$word"
			return
		fi
	done
}

_porttrace() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command

	COMPREPLY=()
	# bash takes "--color=al" apart at the "=".
	if [[ $cur == "=" ]]; then
		cur=""
	elif [[ $prev == "=" && $COMP_CWORD -gt 1 ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	_porttrace_value "$prev" "$cur" && return
	command=$(_porttrace_command)
	if [[ $command == help || (-z $command && $cur != -*) ]]; then
		_porttrace_words "$cur" "$_porttrace_commands"
	else
		_porttrace_words "$cur" "$(_porttrace_options "$command")"
	fi
}

complete -F _porttrace porttrace
