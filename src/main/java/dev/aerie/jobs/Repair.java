package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.STORE_PATH;
import static dev.aerie.jobs.RecipeKeys.TARGET_MODEL;

import dev.aerie.host.HostModel;
import dev.aerie.prepare.Capture;
import dev.aerie.prepare.StoreCheck;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.ShardVerification;
import dev.aerie.store.StoreVerification;
import dev.aerie.text.ConversationEncoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Makes again the shards of a store that are damaged, from its own tokens. */
@Command(name = "repair",
        description = "Verifies a recipe's hidden-state store and makes damaged shards again; exit code 1 if one cannot be repaired.")
final class Repair implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        Configuration hadoop = HadoopConf.submitted();
        String folder = STORE_PATH.of(recipe);
        Places.requireReachable(hadoop, Place.of(recipe, TARGET_MODEL, STORE_PATH));
        HostModel model = TargetSection.model(recipe, hadoop);
        Path target = TargetSection.folder(model, hadoop);
        HiddenStateStore.restoreMarkers(folder, hadoop).forEach(System.out::println);
        HiddenStateStore store = HiddenStateStore.openPartial(folder, hadoop);
        try (SparkSession spark = Session.open(recipe, "repair")) {
            StoreCheck check = new StoreCheck(JavaSparkContext.fromSparkContext(spark.sparkContext()), System.out);
            StoreVerification found = check.verify(store);
            VerifyStore.print(found);
            if (found.damaged().isEmpty()) {
                return found.problems().isEmpty() ? 0 : CommandLines.FOUND;
            }
            System.out.println("repair: making again the shards " + found.damaged());
            try (ConversationEncoder encoder = new ConversationEncoder(PrepareSection.encoder(recipe, target, hadoop))) {
                Capture capture = new Capture(spark, PrepareSection.capture(recipe,
                        TargetSection.settings(recipe, model, spark.sparkContext().getConf()), target, encoder), System.out);
                capture.requireCompatibleStore();
                capture.again(found.damaged());
            }
            Set<Integer> damaged = new HashSet<>(found.damaged());
            List<CommittedShard> again = store.shards().stream().filter(shard -> damaged.contains(shard.shard())).toList();
            List<ShardVerification> left = check.verify(store, again).stream().filter(s -> !s.problems().isEmpty()).toList();
            left.forEach(shard -> shard.problems().forEach(System.out::println));
            System.out.println("repair: " + (again.size() - left.size()) + " of " + again.size() + " shards are sound again");
            return left.isEmpty() && store.missingShards().isEmpty() ? 0 : CommandLines.FOUND;
        }
    }
}
