package dev.aerie.jobs;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * Runs a command and ends the JVM with its exit code: 0 done, 1 failed, 2 asked for something wrong. An error is one sentence on
 * stderr; {@code --verbose} adds the stack trace.
 */
final class CommandLines {

    static final int FAILED = 1;
    static final int WRONG = 2;

    private CommandLines() {}

    static void main(Callable<Integer> command, String[] arguments) {
        int code = run(command, arguments);
        if (code != 0) {
            System.exit(code);
        }
    }

    static int run(Callable<Integer> command, String... arguments) {
        return new CommandLine(command)
                .setExecutionExceptionHandler(CommandLines::handle)
                .setParameterExceptionHandler(CommandLines::refuse)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments);
    }

    private static int refuse(CommandLine.ParameterException e, String[] arguments) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("Error: " + e.getMessage());
        err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
        err.flush();
        return WRONG;
    }

    private static int handle(Exception e, CommandLine command, ParseResult parsed) {
        PrintWriter err = command.getErr();
        boolean wrong = UserErrors.isOne(e);
        err.println((wrong ? "Error: " : "Failed: ") + UserErrors.sentence(e));
        if (verbose(parsed)) {
            e.printStackTrace(err);
        } else if (!wrong) {
            err.println("--verbose shows where.");
        }
        err.flush();
        return wrong ? WRONG : FAILED;
    }

    private static boolean verbose(ParseResult parsed) {
        for (ParseResult p = parsed; p != null; p = p.subcommand()) {
            if (p.hasMatchedOption("--verbose")) {
                return true;
            }
        }
        return false;
    }
}
