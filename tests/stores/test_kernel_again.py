"""The kernel's own tests, again, with the lake in an object store: the fixture `toy` is the one of this folder."""

# ruff: noqa: F401  (pytest takes them from here)

from tests.kernel.test_closing import (
    test_a_correction_that_is_corrected_is_reversed_in_its_turn,
    test_an_act_that_ended_half_way_did_not_happen,
)
from tests.kernel.test_healing import (
    test_a_changed_register_row_touches_only_its_period,
    test_a_late_reading_touches_only_the_partitions_that_see_it,
    test_a_partition_can_be_computed_again_as_of_any_version,
    test_a_reading_near_the_edge_touches_both_months,
    test_a_repeated_batch_changes_nothing,
    test_merging_files_touches_nothing_and_hides_no_late_reading,
    test_what_was_stopped_goes_on,
)
from tests.kernel.test_lineage import (
    figures,
    test_a_total_opens_down_to_readings,
    test_an_address_can_name_a_version,
    test_an_address_of_nothing_is_refused,
    test_questions_bind_their_values,
    test_the_parts_add_up_to_the_figure,
)
