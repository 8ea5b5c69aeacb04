// What an operation would do in place on a result of the multiply grid, put into the grid's store instead (docs/pe-array.md).
//
// This can be done while the launch that makes the result is still held back: whoever needs the result before lets it go, and then
// these functions are false and do nothing, and the operation runs by itself.
#ifndef BARISTA_OPS_IN_STORE_HPP_
#define BARISTA_OPS_IN_STORE_HPP_

#include <functional>
#include <vector>

#include "device/device_manager.hpp"
#include "ops/channels.hpp"

namespace barista::ops {

// dst[i] = max(dst[i], 0)
bool rectify_in_store(device::DeviceManager& manager, const device::Buffer& dst);

// dst[n][c][i] = (dst[n][c][i] - centre[c]) * scale[c] + shift[c], several times one after the other, each time by an object of its own,
// and not after dst was rectified. An object is for one number of channels.
class AffineInStore {
 public:
  // `operands` is called where it can be done, and may launch what makes the numbers; its src, other and slope are left alone.
  bool put(device::DeviceManager& manager, const ChannelShape& shape, const device::Buffer& dst,
           const std::function<ChannelAffine()>& operands);
  // Writes to `kept` what dst would hold without this one: the launch that the last put() altered is done again as it was. For who turns
  // out to need it, while what the launch reads is as it was then.
  void write_without(device::DeviceManager& manager, device::Buffer& kept) const;

 private:
  device::Buffer scale_, offset_, zeros_;
  std::vector<device::Launch> without_;
};

}  // namespace barista::ops

#endif  // BARISTA_OPS_IN_STORE_HPP_
