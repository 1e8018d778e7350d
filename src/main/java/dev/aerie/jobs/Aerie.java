package dev.aerie.jobs;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands of {@code jobs/aerie} besides the three jobs; of these verify-store, repair and forget start Spark. */
@Command(name = "aerie", description = "Looks at models, stores and drafts, and keeps stores sound.",
        subcommands = {Inspect.class, VerifyStore.class, Repair.class, Vacuum.class, ForgetConversations.class, ConvertStore.class,
            VerifyTarget.class, VerifyDraft.class, Export.class, ShowMask.class,
            Plan.class})
public final class Aerie implements Callable<Integer> {

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @CommandLine.Mixin
    private CommonOptions common;

    public static void main(String[] arguments) {
        CommandLines.main(new Aerie(), arguments);
    }

    @Override
    public Integer call() {
        throw new CommandLine.ParameterException(spec.commandLine(),
                "Missing command (expected one of " + String.join(", ", spec.subcommands().keySet()) + ")");
    }
}
