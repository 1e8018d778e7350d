package dev.aerie.jobs;

import dev.aerie.prepare.Forget;
import dev.aerie.store.HiddenStateStore;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Removes conversations from a store for good. */
@Command(name = "forget",
        description = "Removes conversations from a hidden-state store for good, and lists the trainings that learned from them.")
final class ForgetConversations implements Callable<Integer> {

    /** One of the two. */
    static final class Which {

        @Option(names = "--id", paramLabel = "ID", arity = "1..*", description = "Ids of the conversations.")
        private List<String> ids;

        @Option(names = "--where", paramLabel = "SQL",
                description = "A condition in Spark SQL over id, part, source, tokens and supervised.")
        private String where;
    }

    @Mixin
    private StoreArgument store;

    @ArgGroup(multiplicity = "1")
    private Which which;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        HiddenStateStore opened = store.open();
        opened.requireComplete();
        try (SparkSession spark = Session.open("forget")) {
            Forget.Report done = new Forget(spark, opened.uri())
                    .run(which.where == null ? new Forget.Ids(which.ids) : new Forget.Where(which.where));
            System.out.printf(Locale.ROOT, "forget: %,d conversations are taken out of %,d shards; generation %d of %s has none%n",
                    done.conversations(), done.shards(), done.store().generation(), done.store().uri());
            done.trainings().forEach(training -> System.out.println("forget: trained with them: " + training));
            System.out.println("forget: earlier generations hold them until vacuum deletes these");
        }
        return 0;
    }
}
