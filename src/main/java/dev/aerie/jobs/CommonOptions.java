package dev.aerie.jobs;

import picocli.CommandLine.Option;

/** The options of every command. {@link CommandLines} reads {@code --verbose}. */
final class CommonOptions {

    @Option(names = "--verbose", description = "Shows the stack trace of an error.")
    private boolean verbose;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;
}
